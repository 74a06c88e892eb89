/** What jsdom lacks of a browser. */

// jsdom knows <dialog> but cannot open one.
HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.show ??= HTMLDialogElement.prototype.showModal;
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
  this.dispatchEvent(new Event('close'));
};

// jsdom lays nothing out: every element is a window large enough for some rows.
for (const [name, pixels] of Object.entries({
  offsetHeight: 600,
  offsetWidth: 900,
  clientHeight: 600,
  clientWidth: 900,
})) {
  Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => pixels });
}
globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};
URL.createObjectURL ??= () => 'blob:nothing';
