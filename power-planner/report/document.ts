import type { Assumption, Finding } from '../answers/answer.ts';
import type { RunAnswer } from '../answers/runtime.ts';
import type { PackOffer } from '../answers/size.ts';
import { duration, figure, percent } from '../terminal/figure.ts';
import { dischargeChart, paretoChart, sheddingChart } from './charts.ts';
import type { Report } from './gather.ts';
import { costOf } from './parts.ts';
import { sankey } from './sankey.ts';

/** A report as headings, tables and pictures: written once, shown as a page or as Markdown. All texts are plain. */
export type Block =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'table';
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
      /** Columns of text, which stand on the left; the first is one. */
      readonly left?: readonly number[];
    }
  | { readonly kind: 'figures'; readonly rows: readonly (readonly [name: string, value: string, more: string])[] }
  | { readonly kind: 'findings'; readonly findings: readonly Finding[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'assumptions'; readonly assumptions: readonly Assumption[] }
  /** Markup of our own making. */
  | { readonly kind: 'picture'; readonly svg: string; readonly caption: string };

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export interface ReportDocument {
  readonly title: string;
  readonly sections: readonly Section[];
}

/** Packs that are shown of a front. */
const MOST_PACKS = 12;

export function documentOf(report: Report): ReportDocument {
  const sections: readonly Section[] = [
    { title: 'At a glance', blocks: [glance(report)] },
    { title: 'Warnings', blocks: warnings(report) },
    { title: 'The circuit', blocks: circuit(report) },
    { title: 'Where the watts go', blocks: watts(report) },
    { title: 'How long it runs', blocks: report.runtime === undefined ? [] : runtime(report.runtime) },
    { title: 'Hour by hour', blocks: report.runtime === undefined ? [] : hourByHour(report.runtime) },
    { title: 'Which pack', blocks: packs(report) },
    { title: 'How long it lives', blocks: life(report) },
    { title: 'Parts', blocks: parts(report) },
    { title: 'To ask', blocks: [{ kind: 'list', items: report.checklist }] },
    { title: 'What the figures rest on', blocks: [{ kind: 'assumptions', assumptions: report.assumptions }] },
  ];
  return { title: report.name, sections: sections.filter(({ blocks }) => blocks.length > 0) };
}

function glance({ budget, runtime: run, life: lives }: Report): Block {
  const most = budget.rows.find(({ level }) => level === 'max');
  const rows: (readonly [string, string, string])[] = [];
  if (most !== undefined) {
    const { limitA } = budget.circuit;
    rows.push([
      'Circuit',
      `${figure(most.currentA)} of ${figure(limitA, 'A')}`,
      `at most load, ${percent(most.usedRatio)}`,
    ]);
  }
  if (run !== undefined) {
    const [fresh] = run.cases;
    const last = run.cases.at(-1);
    rows.push(['From the pack', figure(run.packW, 'W'), `at most ${figure(run.peakW, 'W')}`]);
    if (fresh !== undefined) rows.push(['Runs', duration(fresh.hours), fresh.label]);
    if (last !== undefined && last !== fresh) rows.push(['Runs', duration(last.hours), last.label]);
    if (run.recharge !== undefined)
      rows.push(['Full again', refill(run), `with ${figure(run.recharge.currentA, 'A')}`]);
  }
  if (lives !== undefined) {
    const range = years(lives.yearsMin, lives.yearsMax, lives.longestYears);
    rows.push(['Lives', range, `to ${percent(lives.endHealth)} of its charge`]);
  }
  return { kind: 'figures', rows };
}

const refill = ({ recharge }: RunAnswer): string =>
  recharge === undefined || recharge.hours === Number.POSITIVE_INFINITY ? 'never' : duration(recharge.hours);

const warnings = ({ findings }: Report): readonly Block[] => [
  findings.length === 0
    ? {
        kind: 'text',
        text: 'No warning holds for what the scenario tells. That does not make it safe: see what to ask.',
      }
    : { kind: 'findings', findings },
];

function circuit({ budget }: Report): readonly Block[] {
  const { circuit: branch, rows, switches, consumers, charger } = budget;
  const plug = branch.plug === undefined ? '' : ` through a ${branch.plug} plug`;
  const drop = branch.dropRatio === undefined ? '' : ` The wire loses ${percent(branch.dropRatio)} at most load.`;
  const blocks: Block[] = [
    {
      kind: 'text',
      text: `A ${figure(branch.breakerA, 'A')} breaker at ${figure(branch.volts, 'V')}${plug}: ${figure(branch.limitA, 'A')} or ${figure(branch.limitVa, 'VA')} for hours.${drop}`,
    },
    {
      kind: 'table',
      head: ['load', 'devices', 'from mains', 'current', 'left', 'charger beside it'],
      rows: rows.map((row) => [
        row.level,
        figure(row.devicesW, 'W'),
        figure(row.mainsW, 'W'),
        figure(row.currentA, 'A'),
        figure(row.headroomA, 'A'),
        figure(row.chargerFitsA, 'A'),
      ]),
    },
  ];
  if (charger !== undefined) {
    const fits = charger.fits ? 'fits beside the load' : 'does not fit beside the load';
    blocks.push({
      kind: 'text',
      text: `The planned charger gives ${figure(charger.dcA, 'A')} and takes ${figure(charger.currentA, 'A')} from mains: it ${fits}.`,
    });
  }
  if (switches.length > 0) {
    blocks.push({
      kind: 'table',
      head: ['switch', 'ports used', 'PoE of each', 'budget', 'hungriest port', 'lost in cables'],
      rows: switches.map((one) => [
        one.count > 1 ? `${one.count} × ${one.id}` : one.id,
        one.ports === undefined ? String(one.portsUsed) : `${one.portsUsed} of ${one.ports}`,
        figure(one.budgetedW, 'W'),
        figure(one.budgetW, 'W'),
        figure(one.portW, 'W'),
        figure(one.cableLossW, 'W'),
      ]),
    });
  }
  if (consumers.length > 1) {
    blocks.push({
      kind: 'table',
      head: ['at most load', 'watts', 'power factor', 'current'],
      rows: consumers.map((one) => [
        one.count > 1 ? `${one.count} × ${one.id}` : one.id,
        figure(one.mainsW, 'W'),
        figure(one.powerFactor),
        figure(one.currentA, 'A'),
      ]),
    });
  }
  return blocks;
}

function watts({ runtime: run }: Report): readonly Block[] {
  const chain = run?.chain;
  if (chain === undefined || !(chain.packW > 0)) return [];
  const factor = chain.usefulW > 0 ? ` ${figure(chain.packW / chain.usefulW)} times what the devices take.` : '';
  return [
    {
      kind: 'picture',
      svg: sankey(chain.flows),
      caption: `From the pack to the devices, at ${chain.level} load.${factor}`,
    },
    {
      kind: 'table',
      head: ['', 'watts', 'share'],
      rows: [
        ...chain.parts
          .filter((one) => one.watts > 0)
          .map(({ what, watts: w }) => [what, figure(w, 'W'), percent(w / chain.packW)]),
        ['from the pack', figure(chain.packW, 'W'), percent(1)],
      ],
    },
  ];
}

function runtime(run: RunAnswer): readonly Block[] {
  const { pack, cases, reserve, recharge, targetHours } = run;
  const chart = dischargeChart(run);
  const wanted = targetHours === undefined ? '' : ` Wanted are ${duration(targetHours)}.`;
  const kept = `${figure(reserve.reserveWh, 'Wh')} are kept for the shutdown: it must begin at ${percent(reserve.triggerSoc)} charge.`;
  const back =
    recharge === undefined || recharge.hours === Number.POSITIVE_INFINITY
      ? 'Nothing is left on this circuit to charge it again.'
      : `Full again after ${duration(recharge.hours)} with ${figure(recharge.currentA, 'A')}, limited by the ${recharge.limitedBy}, for ${figure(recharge.mainsWh, 'Wh')} from mains.`;
  return [
    {
      kind: 'text',
      text: `${pack.series}s${pack.parallel}p ${pack.cell}, ${figure(pack.ratedWh, 'Wh')}, ${figure(pack.cutoffV, 'V')} to ${figure(pack.fullV, 'V')}, ${figure(pack.resistanceOhm * 1000, 'mohm')}.${wanted}`,
    },
    ...(chart === undefined
      ? []
      : [{ kind: 'picture' as const, svg: chart, caption: 'Voltage under load; the dashed line is the cut-off.' }]),
    {
      kind: 'table',
      head: ['', 'at', 'health', 'to the cut-off', 'to the shutdown', 'delivers'],
      rows: cases.map((one) => [
        one.label,
        `${one.temperatureC} °C`,
        percent(one.healthRatio),
        duration(one.hours),
        duration(one.hoursToTrigger),
        figure(one.energyWh, 'Wh'),
      ]),
    },
    { kind: 'text', text: `${kept} ${back}` },
  ];
}

function hourByHour(run: RunAnswer): readonly Block[] {
  const chart = sheddingChart(run);
  if (chart === undefined) return [];
  const { shedding } = run;
  const caption =
    shedding === undefined
      ? 'A new pack: the filled area is the load, the line the charge.'
      : `A new pack while loads are shed: ${duration(shedding.hours)} in all, ${duration(shedding.unshedHours)} without. The filled area is the load, the line the charge.`;
  const picture: Block = { kind: 'picture', svg: chart, caption };
  if (shedding === undefined) return [picture];
  return [
    picture,
    {
      kind: 'table',
      head: ['', 'step', 'goes off', 'from the pack', 'after', 'lasts', 'charge'],
      left: [0, 1, 2],
      rows: shedding.steps.map((step, i) => [
        String(i + 1),
        step.name,
        step.off.length === 0 ? '–' : step.off.join(', '),
        figure(step.packW, 'W'),
        duration(step.fromHours),
        duration(step.hours),
        `${percent(step.socStart)} → ${percent(step.socEnd)}`,
      ]),
    },
  ];
}

function packs({ size, droppedWish }: Report): readonly Block[] {
  const { winner, runnerUp, otherChemistry, pareto, refused } = size;
  const wanted = `${duration(size.targetHours)} at ${percent(size.healthRatio)} health and ${size.coldestC} °C for ${figure(size.packW, 'W')}, on a bus of ${figure(size.busMinV)} to ${figure(size.busMaxV, 'V')}`;
  const dropped = droppedWish === undefined ? '' : ` No pack fulfils all wishes; these leave out ${droppedWish}.`;
  const blocks: Block[] = [{ kind: 'text', text: `Searched: ${wanted}.${dropped}` }];
  if (winner === undefined) blocks.push({ kind: 'text', text: 'No pack of the catalogue fulfils these wishes.' });
  const chart = paretoChart(size, MOST_PACKS);
  if (chart !== undefined) {
    const caption =
      'What no other pack beats in cost, mass, hours and years at once, by its row below; round LiFePO4, square LTO, small dots all others. The dashed line is what is wanted.';
    blocks.push({ kind: 'picture', svg: chart, caption });
    const role = (one: PackOffer): string => {
      if (one === winner || sameOffer(one, winner)) return 'best';
      if (sameOffer(one, runnerUp)) return 'next cell';
      return sameOffer(one, otherChemistry) ? 'other chemistry' : '';
    };
    const front = pareto.slice(0, MOST_PACKS);
    const named = [winner, runnerUp, otherChemistry].filter((one) => one !== undefined);
    const beside = named.filter((one) => !front.some((each) => sameOffer(each, one)));
    blocks.push({
      kind: 'table',
      head: ['', 'pack', '', 'lasts', 'cost', 'mass', 'full in', 'years', 'limited by'],
      left: [0, 1, 2, 8],
      rows: [
        ...front.map((one, i) => offerRow(String(i + 1), one, role(one))),
        ...beside.map((one) => offerRow('–', one, role(one))),
      ],
    });
    if (pareto.length > MOST_PACKS)
      blocks.push({ kind: 'text', text: `${pareto.length - MOST_PACKS} more are not shown.` });
  }
  const reasons = Map.groupBy(refused, ({ text }) => text);
  if (reasons.size > 0) {
    const items = [...reasons].map(([text, those]) => `${those.map(({ id }) => id).join(', ')}: ${text}`);
    blocks.push({ kind: 'text', text: 'What cannot be:' }, { kind: 'list', items });
  }
  return blocks;
}

const sameOffer = (a: PackOffer, b: PackOffer | undefined): boolean =>
  a.cell === b?.cell && a.series === b.series && a.parallel === b.parallel;

function offerRow(number: string, one: PackOffer, role: string): readonly string[] {
  return [
    number,
    `${one.series}s${one.parallel}p ${one.cell}`,
    role,
    duration(one.hours),
    `${figure(one.costUsd)} USD`,
    figure(one.massKg, 'kg'),
    one.rechargeHours === undefined ? '–' : duration(one.rechargeHours),
    figure(one.years),
    one.limitedBy === 'one-string' ? 'one string' : one.limitedBy,
  ];
}

function life({ life: lives }: Report): readonly Block[] {
  if (lives === undefined) return [];
  const { models, choices, standbySoc, temperatureC, savedAt80Ratio, longestYears } = lives;
  const saved = standbySoc > 0.8 ? ` Standing at 80 % instead saves ${percent(savedAt80Ratio)} of the loss.` : '';
  return [
    {
      kind: 'text',
      text: `Standing at ${percent(standbySoc)} charge and ${temperatureC} °C, with ${figure(lives.outagesPerYear)} outages a year.${saved}`,
    },
    {
      kind: 'table',
      head: ['law', 'lives', 'lost by standing', 'lost by cycles'],
      rows: models.map((one) => [
        one.model,
        years(one.years, one.years, longestYears),
        percent(one.calendarLoss),
        percent(one.cycleLoss),
      ]),
    },
    {
      kind: 'table',
      head: ['stands at', 'at', 'lives', 'lost in ten years'],
      rows: choices.map((one) => [
        percent(one.standbySoc),
        `${one.temperatureC} °C`,
        years(one.yearsMin, one.yearsMax, longestYears),
        percent(one.tenYearLoss),
      ]),
    },
  ];
}

function years(min: number, max: number, longest: number): string {
  const upper = max >= longest ? `more than ${longest} years` : `${figure(max)} years`;
  return figure(min) === figure(max) || min >= longest ? upper : `${figure(min)} to ${upper}`;
}

function parts({ parts: all }: Report): readonly Block[] {
  const { knownUsd, unpriced } = costOf(all);
  const massKg = all.reduce((sum, part) => sum + (part.massKg ?? 0), 0);
  const open = unpriced === 0 ? '' : ` ${unpriced} of the parts have no price here.`;
  return [
    {
      kind: 'table',
      head: ['', 'part', 'cost', 'mass'],
      left: [1],
      rows: [
        ...all.map(({ count, what, costUsd, massKg: kg }) => [
          `${count} ×`,
          what,
          costUsd === undefined ? '–' : `${figure(costUsd)} USD`,
          figure(kg, 'kg'),
        ]),
        ['', 'what is known', `${figure(knownUsd)} USD`, figure(massKg, 'kg')],
      ],
    },
    { kind: 'text', text: `Prices are an order of magnitude, the middle of what was seen.${open}` },
  ];
}
