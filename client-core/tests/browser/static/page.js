// Runs every test once. One that failed may have left anything behind: the next begins in a worker of its own.
const address = `worker.js${location.search}`;
const next = (worker) =>
  new Promise((done, failed) => {
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = (event) => failed(new Error(`the worker: ${event.message}`));
  });

async function begin() {
  const worker = new Worker(address, { type: "module" });
  const { names } = await next(worker);
  return { worker, names };
}

window.runTests = async () => {
  let { worker, names } = await begin();
  const outcomes = [];
  for (const name of names) {
    worker.postMessage(name);
    const outcome = await next(worker);
    outcomes.push(outcome);
    if (!outcome.failed) continue;
    worker.terminate();
    ({ worker } = await begin());
  }
  return outcomes;
};
