// Starts the pages, keeps the app on the device, and offers an update when there is one.
import init from "./%page.js%";

init({ module_or_path: new URL("./%page.wasm%", import.meta.url) });
navigator.storage?.persist?.();

const kept = await navigator.serviceWorker?.register("./sw.js", { updateViaCache: "none" }).catch(() => null);
if (kept) {
  const tell = (name) => window.dispatchEvent(new Event(name));
  // A first visit has no version before this one, and so nothing to offer.
  const offer = (worker) => {
    if (!worker || !navigator.serviceWorker.controller) return;
    // For pages that are not there yet.
    document.body.dataset.sokiemUpdate = "";
    tell("sokiem-update");
  };
  kept.addEventListener("updatefound", () => {
    const coming = kept.installing;
    coming?.addEventListener("statechange", () => coming.state === "installed" && offer(coming));
  });
  offer(kept.waiting);
  let accepted = false;
  window.addEventListener("sokiem-update-accept", () => {
    accepted = true;
    kept.waiting?.postMessage("accept");
  });
  navigator.serviceWorker.addEventListener("controllerchange", () => accepted && location.reload());
  navigator.serviceWorker.addEventListener("message", (event) => event.data === "sync" && tell("sokiem-sync"));
  // What waits when the officer looks away is sent when there is a network, where the browser helps with that.
  document.addEventListener("visibilitychange", () => document.hidden && kept.sync?.register("sokiem").catch(() => {}));
}
