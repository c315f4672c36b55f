#include "comm_thread.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace asterolab {
namespace {

struct Job {
  Job(Napi::Env env, std::function<void()> job_work) : work(std::move(job_work)), deferred(Napi::Promise::Deferred::New(env)) {}
  std::function<void()> work;
  std::function<Napi::Value(Napi::Env)> result;
  Napi::Promise::Deferred deferred;
  std::vector<Napi::ObjectReference> held;
  std::string error;
  bool has_failed = false;
};

void settle(Napi::Env env, Napi::Function, void*, Job* data);
using Callback = Napi::TypedThreadSafeFunction<void, Job, settle>;

// Never destroyed: the thread may be inside MPI when the process exits.
struct CommThread {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::unique_ptr<Job>> jobs;
  Callback done;
  int pending = 0;  // used on the JavaScript thread only
};

CommThread* comm_thread = nullptr;

void loop() {
  for (;;) {
    std::unique_ptr<Job> job;
    {
      std::unique_lock<std::mutex> lock(comm_thread->mutex);
      comm_thread->wake.wait(lock, [] { return !comm_thread->jobs.empty(); });
      job = std::move(comm_thread->jobs.front());
      comm_thread->jobs.pop_front();
    }
    try {
      job->work();
    } catch (const std::exception& error) {
      job->has_failed = true;
      job->error = error.what();
    }
    comm_thread->done.BlockingCall(job.release());
  }
}

void settle(Napi::Env env, Napi::Function, void*, Job* data) {
  const std::unique_ptr<Job> job(data);
  if (env == nullptr) return;  // the process is about to end
  Napi::HandleScope scope(env);
  // Only work under way keeps the process alive.
  if (--comm_thread->pending == 0) comm_thread->done.Unref(env);
  if (job->has_failed) job->deferred.Reject(Napi::Error::New(env, job->error).Value());
  else job->deferred.Resolve(job->result ? job->result(env) : env.Undefined());
}

void start(Napi::Env env) {
  comm_thread = new CommThread;
  comm_thread->done = Callback::New(env, "asterolab-mpi", 0, 1);
  comm_thread->done.Unref(env);
  std::thread(loop).detach();
}

}  // namespace

Napi::Value submit(Napi::Env env, std::function<void()> work, std::vector<Napi::Object> held,
                   std::function<Napi::Value(Napi::Env)> result) {
  if (comm_thread == nullptr) start(env);
  auto job = std::make_unique<Job>(env, std::move(work));
  job->result = std::move(result);
  for (const Napi::Object& object : held) job->held.push_back(Napi::Persistent(object));
  const Napi::Value promise = job->deferred.Promise();
  if (++comm_thread->pending == 1) comm_thread->done.Ref(env);
  {
    std::lock_guard<std::mutex> lock(comm_thread->mutex);
    comm_thread->jobs.push_back(std::move(job));
  }
  comm_thread->wake.notify_one();
  return promise;
}

}  // namespace asterolab
