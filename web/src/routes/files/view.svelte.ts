import type { Order } from '$lib/state/order';

const STORED = 'hythe.view';

interface Chosen {
  grid: boolean;
  details: boolean;
  order: Order;
}

function stored(): Partial<Chosen> {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(STORED) ?? '{}');
    return typeof read === 'object' && read !== null ? read : {};
  } catch {
    return {}; // nothing was stored, or nothing that this version wrote
  }
}

/** How directories are shown; it holds for all of them, and the next time. */
class View implements Chosen {
  #grid = $state(stored().grid === true);
  #details = $state(stored().details === true);
  #order = $state.raw<Order>({ by: 'name', down: false });

  get grid(): boolean {
    return this.#grid;
  }

  set grid(grid: boolean) {
    this.#grid = grid;
    this.#store();
  }

  get details(): boolean {
    return this.#details;
  }

  set details(details: boolean) {
    this.#details = details;
    this.#store();
  }

  get order(): Order {
    return this.#order;
  }

  set order(order: Order) {
    this.#order = order;
  }

  #store(): void {
    try {
      localStorage.setItem(STORED, JSON.stringify({ grid: this.#grid, details: this.#details }));
    } catch {
      // It then holds until the page is closed.
    }
  }
}

export const view = new View();
