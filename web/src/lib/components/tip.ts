import type { Attachment } from 'svelte/attachments';

const AFTER_MS = 450;
const GAP_PX = 6;

/**
 * Shows what a control does beside it, while the pointer rests on it or the keyboard is there. It only
 * repeats the control's accessible name, so that nothing is lost where there is neither.
 */
export function tip(text: () => string | undefined): Attachment<HTMLElement> {
  return (element) => {
    let shown: HTMLElement | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;

    const show = (): void => {
      const words = text();
      if (words === undefined) return;
      shown = document.createElement('div');
      shown.className = 'tip';
      shown.ariaHidden = 'true';
      shown.popover = 'manual';
      shown.textContent = words;
      document.body.append(shown);
      shown.showPopover?.();
      place(shown, element);
    };
    const hide = (): void => {
      clearTimeout(timer);
      shown?.remove();
      shown = undefined;
    };
    const soon = (event: PointerEvent): void => {
      hide();
      if (event.pointerType === 'mouse') timer = setTimeout(show, AFTER_MS);
    };
    const atKeyboard = (): void => {
      hide();
      if (element.matches(':focus-visible')) timer = setTimeout(show, AFTER_MS);
    };

    element.addEventListener('pointerenter', soon);
    element.addEventListener('focus', atKeyboard);
    for (const end of ['pointerleave', 'pointerdown', 'blur', 'keydown']) {
      element.addEventListener(end, hide);
    }
    return () => {
      hide();
      element.removeEventListener('pointerenter', soon);
      element.removeEventListener('focus', atKeyboard);
      for (const end of ['pointerleave', 'pointerdown', 'blur', 'keydown']) {
        element.removeEventListener(end, hide);
      }
    };
  };
}

/** Below the control where there is room, else above; never outside of the window. */
function place(shown: HTMLElement, beside: HTMLElement): void {
  const at = beside.getBoundingClientRect();
  const own = shown.getBoundingClientRect();
  const left = Math.min(
    Math.max(GAP_PX, at.left + (at.width - own.width) / 2),
    window.innerWidth - own.width - GAP_PX,
  );
  const below = at.bottom + GAP_PX;
  const top = below + own.height < window.innerHeight ? below : at.top - own.height - GAP_PX;
  shown.style.left = `${left}px`;
  shown.style.top = `${top}px`;
}
