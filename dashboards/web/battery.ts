import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { type Currency, card, figure, nothing, share, staleBadge } from './card.ts';
import { cellChart } from './cells.ts';
import { amps, byNumber, celsius, duration, NOTHING, percent, signed, volts, wattHours, watts } from './format.ts';
import type { Bank, Pack, Picture, Seen } from './wire.ts';

/** The bank as one source of energy, then each pack with its cells. */
export function battery(picture: Picture, currency: Currency): VNode {
  const { bank, packs } = picture.rack;
  if (bank.freshness === 'absent' && Object.keys(packs).length === 0) {
    return card('battery', 'Battery', nothing('No pack is configured.'));
  }
  const body = html`
    <div class="soc">
      <p class="big">${percent(bank.socRatio)} ${uncertainty(bank)}</p>
      <p class="soc-words">${words(bank)}</p>
      ${socBar(bank, picture.coordinator.schedule.reserveWh)}
    </div>
    <dl class="figures">
      ${figure('Voltage', volts(bank.voltageV))} ${figure('Current', signed(bank.currentA, amps))}
      ${figure('Power', signed(bank.powerW, watts))}
      ${figure('Usable', wattHours(bank.usableWh), bank.usableLowWh === undefined ? undefined : `at least ${wattHours(bank.usableLowWh)}`)}
      ${figure('Runtime', bank.runtimeS === undefined ? NOTHING : duration(bank.runtimeS), whyNoRuntime(bank))}
      ${figure('When full', wattHours(bank.fullWh))}
    </dl>
    ${Object.entries(packs)
      .sort(([a], [b]) => byNumber(a, b))
      .map(([id, seen], _, all) =>
        pack(id, seen, currency, {
          only: all.length === 1,
          reckoned: bank.reckoned?.includes(id) === true,
          counted: bank.packs?.[id],
        }),
      )}
  `;
  return card('battery', 'Battery', body, { currency });
}

function uncertainty(bank: Bank): VNode | null {
  if (bank.socSigma === undefined) return null;
  return html`<span class="plus-minus" title="two standard deviations">± ${percent(2 * bank.socSigma)}</span>`;
}

function whyNoRuntime({ runtimeS, currentA }: Bank): string | undefined {
  if (runtimeS !== undefined) return undefined;
  return currentA === undefined ? 'current unknown' : 'not discharging';
}

function words(bank: Bank): string {
  const { reckoned = [] } = bank;
  const missing =
    reckoned.length === 0 ? '; not every pack is heard' : `; ${reckoned.join(', ')} not heard, reckoned on`;
  const incomplete = bank.complete ? '' : missing;
  if (bank.currentA === undefined) return `current unknown${incomplete}`;
  if (bank.currentA > 0.1) return `charging with ${amps(bank.currentA)}${incomplete}`;
  if (bank.currentA < -0.1) return `discharging with ${amps(-bank.currentA)}${incomplete}`;
  return `at rest${incomplete}`;
}

/** Filled to the state of charge, hatched where it may be, with a mark at the reserve. */
function socBar(bank: Bank, reserveWh: number): VNode {
  const { socRatio, socSigma = 0, fullWh } = bank;
  if (socRatio === undefined)
    return html`<div class="bar bar-unknown" role="img" aria-label="State of charge unknown"></div>`;
  const low = Math.max(0, socRatio - 2 * socSigma);
  const high = Math.min(1, socRatio + 2 * socSigma);
  const reserve = fullWh !== undefined && fullWh > 0 ? reserveWh / fullWh : undefined;
  const label = `State of charge ${percent(socRatio)}, between ${percent(low)} and ${percent(high)}`;
  const reserved = reserve === undefined ? '' : `; reserve ${percent(reserve)}`;
  return html`<div class="bar bar-soc" role="img" aria-label=${label + reserved}>
    <i class="fill" style=${{ width: share(low, 1) }}></i>
    <i class="band" style=${{ left: share(low, 1), width: share(high - low, 1) }}></i>
    <i class="needle" style=${{ left: share(socRatio, 1) }}></i>
    ${reserve === undefined || reserve <= 0 ? null : html`<i class="mark" style=${{ left: share(reserve, 1) }} title="reserve"></i>`}
  </div>`;
}

type Counted = NonNullable<Bank['packs']>[string];

interface OfBank {
  readonly only: boolean;
  readonly reckoned: boolean;
  readonly counted: Counted | undefined;
}

function pack(id: string, seen: Seen<Pack>, whole: Currency, { only, reckoned, counted }: OfBank): VNode {
  const { sample } = seen;
  const freshness = whole.freshness === 'fresh' ? seen.freshness : 'stale';
  const ageS = seen.ageMs === undefined ? undefined : seen.ageMs / 1000;
  return html`<div class=${`pack is-${freshness}`} key=${id}>
    <h3>
      ${id} <span class="note">${sample?.model ?? ''}</span> ${whole.freshness === 'fresh' ? staleBadge({ freshness, ageS }) : null}
      ${reckoned ? html`<span class="badge badge-stale">reckoned like the others</span>` : null}
    </h3>
    ${sample === undefined ? nothing('This pack has not answered yet.') : packBody(sample, only, counted)}
    ${seen.failure === undefined ? null : html`<p class="failure">${seen.failure.message}</p>`}
  </div>`;
}

/** The only pack of a bank has the bank's voltage and current; they are not said twice. */
function packBody(sample: Pack, only: boolean, counted: Counted | undefined): VNode {
  const temperatures = sample.temperaturesC ?? [];
  const facts = [
    only || sample.voltageV === undefined ? undefined : volts(sample.voltageV),
    only || sample.currentA === undefined ? undefined : signed(sample.currentA, amps),
    only || counted === undefined ? undefined : `${percent(counted.socRatio)} ± ${percent(2 * counted.socSigma)}`,
    sample.socRatio === undefined ? undefined : `BMS says ${percent(sample.socRatio)}`,
    temperatures.length === 0 ? undefined : range(temperatures),
  ].filter((fact) => fact !== undefined);
  return html`
    ${cellChart(sample.cellsV ?? [], sample.balancingCells ?? [])}
    <p class="facts">${facts.map((fact) => html`<span>${fact}</span>`)}</p>
    ${(sample.alarms ?? []).map(
      (alarm) => html`<p class="failure">${alarm.level}: ${alarm.detail ?? alarm.code.replaceAll('-', ' ')}</p>`,
    )}
  `;
}

function range(values: readonly number[]): string {
  const low = Math.min(...values);
  const high = Math.max(...values);
  return high - low < 0.5 ? celsius(high) : `${celsius(low)} to ${celsius(high)}`;
}
