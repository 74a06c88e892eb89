/** How far back the speed looks. */
const WINDOW_MS = 8000;

/** How fast bytes went lately. */
export class Speed {
  #samples: { at: number; bytes: number }[] = [];

  add(bytes: number, nowMs: number): void {
    this.#samples.push({ at: nowMs, bytes });
    this.#forget(nowMs);
  }

  /** Bytes a second; 0 while there is too little to say. */
  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#samples[0];
    if (!first || this.#samples.length < 2) return 0;
    // The first sample's bytes were sent before its time.
    const bytes = this.#samples.slice(1).reduce((sum, sample) => sum + sample.bytes, 0);
    return bytes / Math.max(0.001, (nowMs - first.at) / 1000);
  }

  #forget(nowMs: number): void {
    this.#samples = this.#samples.filter((sample) => nowMs - sample.at <= WINDOW_MS);
  }
}
