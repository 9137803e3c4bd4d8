import { h, type VNode } from 'preact';
import { card } from './card.ts';
import { type DeskProps, OrderDesk } from './order-desk.ts';
import { wholeChoices } from './orders.ts';
import type { Picture } from './wire.ts';

/** Orders about everything; those about a host or a stage are where the host or the stage is. */
export function commands(picture: Picture, desk: Omit<DeskProps, 'id' | 'choices'>): VNode {
  return card('commands', 'Orders', h(OrderDesk, { ...desk, id: 'command', choices: wholeChoices(picture) }));
}
