{
  # build/Release/asterolab.node. Sources named *_isa.cc are compiled once per instruction set (native/ops/isa.h).
  'variables': {
    'isa_sources%': [
      'native/ops/adam_isa.cc',
      'native/ops/conv_block_isa.cc',
      'native/ops/dense_isa.cc',
      'native/ops/elementwise_isa.cc',
      'native/ops/gemm_isa.cc',
      'native/ops/lstm_isa.cc',
      'native/ops/softmax_isa.cc',
    ],
  },
  'target_defaults': {
    'cflags_cc': ['-std=gnu++17', '-O3', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast', '-fvisibility=hidden', '-Wall', '-Wextra'],
    'cflags!': ['-O2'],
    'cflags_cc!': ['-std=gnu++14', '-fno-exceptions'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'gnu++17',
      'CLANG_CXX_LIBRARY': 'libc++',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'YES',
      'GCC_OPTIMIZATION_LEVEL': '3',
      'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
      'MACOSX_DEPLOYMENT_TARGET': '11.0',
      'OTHER_CPLUSPLUSFLAGS': ['-fno-math-errno', '-fno-trapping-math', '-ffp-contract=fast'],
    },
  },
  'targets': [
    {
      'target_name': 'ops_portable',
      'type': 'static_library',
      'sources': ['<@(isa_sources)'],
      'defines': ['ASTEROLAB_ISA=portable'],
    },
    {
      'target_name': 'asterolab',
      'dependencies': ['ops_portable'],
      'sources': [
        'native/bind/addon.cc',
        'native/bind/arguments.cc',
        'native/bind/ops.cc',
        'native/ops/adam.cc',
        'native/ops/conv_block.cc',
        'native/ops/dense.cc',
        'native/ops/elementwise.cc',
        'native/ops/fft_plan.cc',
        'native/ops/gemm.cc',
        'native/ops/isa.cc',
        'native/ops/lstm.cc',
        'native/ops/memory.cc',
        'native/ops/parallel.cc',
        'native/ops/phases.cc',
        'native/ops/softmax.cc',
      ],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_VERSION=8', 'NAPI_CPP_EXCEPTIONS'],
      'conditions': [
        ['target_arch=="x64"', {'dependencies': ['ops_avx2', 'ops_avx512']}],
        ['OS=="linux"', {'ldflags': ['-pthread', '-Wl,--exclude-libs,ALL']}],
      ],
    },
  ],
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [
        {
          'target_name': 'ops_avx2',
          'type': 'static_library',
          'sources': ['<@(isa_sources)'],
          'defines': ['ASTEROLAB_ISA=avx2'],
          'cflags_cc': ['-mavx2', '-mfma'],
          'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['-mavx2', '-mfma']},
        },
        {
          'target_name': 'ops_avx512',
          'type': 'static_library',
          'sources': ['<@(isa_sources)'],
          'defines': ['ASTEROLAB_ISA=avx512'],
          'cflags_cc': ['-mavx2', '-mfma', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mprefer-vector-width=512'],
          'xcode_settings': {'OTHER_CPLUSPLUSFLAGS': ['-mavx2', '-mfma', '-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mprefer-vector-width=512']},
        },
      ],
    }],
  ],
}
