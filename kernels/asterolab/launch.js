// Starts tslab's kernel so that cells can import "asterolab" from any folder, no output is lost, and it ends with its
// parent. Usage: node launch.js CONNECTION_FILE

const { createRequire } = require("node:module");
const { join } = require("node:path");
const { Worker } = require("node:worker_threads");

const root = join(__dirname, "..", "..");

endWithParent();
sendInOrder(require("tslab/dist/jupyter.js"));
exitAfterShutdown(require("tslab/dist/jupyter.js"));

// tslab compiles and imports from the folder it is started in. Where the package cannot be found from here, that folder
// is the project's; paths of cells' own files stay relative to where the notebook runs.
const home = process.cwd();
if (!findsPackage(home)) process.chdir(root);
require("tslab/dist/main.js").startKernel({ configPath: process.argv[2], enableFindLocal: false });
process.chdir(home);

function findsPackage(folder) {
  try {
    createRequire(join(folder, "cell.js")).resolve("asterolab/package.json");
    return true;
  } catch {
    return false;
  }
}

// A worker watches, since a long computation in a cell would keep a timer of the main thread from firing.
function endWithParent() {
  const source = `
    const { workerData } = require("node:worker_threads");
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid === parent) return;
      require("node:fs").rmSync(workerData, { force: true }); // the connection file, which nobody else removes now
      process.kill(process.pid, "SIGKILL");
    }, 500);
  `;
  new Worker(source, { eval: true, workerData: process.argv[2] }).unref();
}

// tslab sends without waiting; a burst of prints finds the socket busy and is dropped, its end with it. Here each send
// waits for the one before it, and the queue has no limit.
function sendInOrder({ ZmqServer }) {
  Object.defineProperty(ZmqServer.prototype, "iopub", {
    set(socket) {
      socket.sendHighWaterMark = 0;
      // A socket that is being bound refuses to send, so the queue begins with that.
      let queue = Promise.resolve();
      const bind = (address) => {
        queue = socket.bind(address);
        return queue;
      };
      const send = (message) => {
        queue = queue.then(() => (socket.closed ? undefined : socket.send(message))).catch(() => {});
      };
      const inOrder = { send, bind, close: () => socket.close() };
      Object.defineProperty(this, "iopub", { value: inOrder });
    },
  });
}

// Open handles of cells (timers, servers) would keep the process alive after its sockets are closed.
function exitAfterShutdown({ ZmqServer }) {
  const { close } = ZmqServer.prototype;
  ZmqServer.prototype.close = function () {
    setTimeout(() => {
      close.call(this);
      process.exit(0);
    }, 50);
  };
}
