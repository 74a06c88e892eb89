import { actions } from '$lib/actions/index';
import type { Me, Space } from '$lib/actions/types';

/** Who uses the page, and what they have. */
class Account {
  /** Undefined until it is known, null for nobody. */
  me = $state.raw<Me | null | undefined>();
  spaces = $state.raw<readonly Space[] | undefined>();
  error = $state.raw<unknown>();
  /** The recovery code that is still to be kept. */
  recovery = $state<string | null>(null);

  async load(): Promise<void> {
    this.error = undefined;
    try {
      this.me = await actions.session.current();
      if (this.me) await this.#loadMine();
    } catch (error) {
      this.error = error;
    }
  }

  async loadSpaces(): Promise<void> {
    this.spaces = await actions.spaces.list();
  }

  async #loadMine(): Promise<void> {
    const recovery = actions.session.unconfirmedRecovery();
    await this.loadSpaces();
    this.recovery = await recovery;
  }

  async entered(me: Me): Promise<void> {
    this.me = me;
    try {
      await this.#loadMine();
    } catch (error) {
      this.error = error;
    }
  }

  async leave(): Promise<void> {
    await actions.session.signOut();
    this.me = null;
    this.spaces = undefined;
  }

  space(id: string): Space | undefined {
    return this.spaces?.find((space) => space.id === id);
  }

  get personal(): Space | undefined {
    return this.spaces?.find((space) => space.personal) ?? this.spaces?.[0];
  }
}

export const account = new Account();

/** Whether somebody of this role may change what is in the space. */
export function mayWrite(space: Space | undefined): boolean {
  return space?.role === 'owner' || space?.role === 'editor';
}

/** Whether the server cannot show what is in the space, or may not show it to this account. */
export function isClosed(space: Space): boolean {
  return space.kind === 'sealed' || space.invited || space.role === 'drop';
}
