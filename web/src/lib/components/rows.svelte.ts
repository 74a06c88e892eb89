import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
} from '@tanstack/virtual-core';

export interface RowsOptions {
  count: number;
  /** Height of each row in CSS pixels. */
  size: number;
  element: HTMLElement | undefined;
}

/** How many rows beyond the edges are there, so that none is missing while one scrolls. */
const BEYOND = 6;

/** So few rows that keeping more elements than there are rows costs nothing. */
const FEWEST_SLOTS = 16;

/** Which rows of a long list are in the document. */
export class Rows {
  items = $state.raw<VirtualItem[]>([]);
  total = $state(0);
  readonly #virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  #options: RowsOptions = { count: 0, size: 1, element: undefined };

  constructor() {
    this.#virtualizer = new Virtualizer<HTMLElement, HTMLElement>(this.#settings());
  }

  /** Takes new options; to be called from an effect, which reads what they are made of before. */
  update(options: RowsOptions): void {
    const resized = options.size !== this.#options.size;
    this.#options = options;
    this.#virtualizer.setOptions(this.#settings());
    this.#virtualizer._willUpdate();
    if (resized) this.#virtualizer.measure();
    this.#show();
  }

  mount(): () => void {
    return this.#virtualizer._didMount();
  }

  /**
   * Which of the elements that are there a row takes: one that scrolls in takes that of one that went out,
   * and only what differs is written anew.
   */
  slot(index: number): number {
    let slots = FEWEST_SLOTS;
    while (slots < this.items.length) slots *= 2;
    return index % slots;
  }

  scrollTo(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: 'auto' });
  }

  /** How many rows fit on the screen. */
  get page(): number {
    return Math.max(1, Math.floor((this.#options.element?.clientHeight ?? 0) / this.#options.size) - 1);
  }

  #settings(): ConstructorParameters<typeof Virtualizer<HTMLElement, HTMLElement>>[0] {
    const { count, size, element } = this.#options;
    return {
      count,
      estimateSize: () => size,
      getScrollElement: () => element ?? null,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      overscan: BEYOND,
      onChange: () => this.#show(),
    };
  }

  #show(): void {
    this.items = this.#virtualizer.getVirtualItems();
    this.total = this.#virtualizer.getTotalSize();
  }
}
