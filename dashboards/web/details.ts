import { html } from 'htm/preact';
import type { ComponentChildren, VNode } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface DetailsProps {
  readonly id: string;
  readonly title: string;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

/** A window over the page. The browser keeps the focus in it, closes it with Escape, and gives the focus back. */
export function Details({ id, title, onClose, children }: DetailsProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const close = () => dialog.current?.close();
  // A click beside it lands on the dialog itself, everything else on what is in it.
  const beside = (event: MouseEvent) => {
    if (event.target === dialog.current) close();
  };
  return html`<dialog class="details" ref=${dialog} aria-labelledby=${`${id}-title`} onClose=${onClose} onClick=${beside}>
    <div class="details-body">
      <header class="details-head">
        <h2 id=${`${id}-title`}>${title}</h2>
        <button type="button" class="quiet" onClick=${close}>Close</button>
      </header>
      ${children}
    </div>
  </dialog>`;
}
