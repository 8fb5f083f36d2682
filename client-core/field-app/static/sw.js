// Keeps the app on the device: every file of one version, taken whole. Another version waits until it is accepted.
const VERSION = "sokiem-%version%";
const FILES = "%files%";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })))));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => name.startsWith("sokiem-") && name !== VERSION));
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => event.data === "accept" && self.skipWaiting());

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  const scope = new URL(self.registration.scope);
  if (request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const file = request.mode === "navigate" ? "index.html" : request;
  event.respondWith(caches.open(VERSION).then((cache) => cache.match(file)).then((kept) => kept ?? fetch(request)));
});

// A phone that comes back on line wakes pages that are still there; nobody else has the PIN.
self.addEventListener("sync", (event) => {
  const wake = self.clients.matchAll({ type: "window" }).then((pages) => pages.forEach((page) => page.postMessage("sync")));
  if (event.tag === "sokiem") event.waitUntil(wake);
});
