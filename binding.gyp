# The addon build/Release/asterolab.node. The ops compile once per instruction set (native/ops/isa.h says how and
# why); which one runs is decided at run time.
{
  "variables": {
    "isa_sources": [
      "native/ops/conv_block_isa.cc",
      "native/ops/gemm_isa.cc"
    ]
  },
  "target_defaults": {
    "include_dirs": ["native/ops"],
    "cflags": ["-fPIC", "-O3", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra"],
    "cflags_cc": ["-std=c++17"],
    "cflags!": ["-fno-exceptions"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
      "GCC_OPTIMIZATION_LEVEL": "3",
      "OTHER_CFLAGS": ["-fno-math-errno", "-fno-trapping-math"]
    }
  },
  "targets": [
    {
      "target_name": "ops_portable",
      "type": "static_library",
      "sources": ["<@(isa_sources)"],
      "defines": ["ASTEROLAB_ISA=portable"]
    },
    {
      "target_name": "ops_base",
      "type": "static_library",
      "sources": [
        "native/ops/conv_block.cc",
        "native/ops/gemm.cc",
        "native/ops/isa.cc",
        "native/ops/memory.cc",
        "native/ops/parallel.cc"
      ]
    }
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "ops_avx2",
          "type": "static_library",
          "sources": ["<@(isa_sources)"],
          "defines": ["ASTEROLAB_ISA=avx2"],
          "cflags": ["-mavx2", "-mfma"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mfma"] }
        },
        {
          "target_name": "ops_avx512",
          "type": "static_library",
          "sources": ["<@(isa_sources)"],
          "defines": ["ASTEROLAB_ISA=avx512"],
          "cflags": ["-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512"],
          "xcode_settings": { "OTHER_CFLAGS": ["-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl"] }
        }
      ]
    }]
  ]
}
