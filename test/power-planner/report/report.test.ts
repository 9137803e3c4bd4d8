import { existsSync, globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadScenario, type Report, reportHtml, reportMarkdown, reportOf } from '../../../power-planner/index.ts';
import { escapeHtml } from '../../../power-planner/report/markup.ts';
import { sankey } from '../../../power-planner/report/sankey.ts';

function reportFor(yaml: string): Report {
  const loaded = loadScenario(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return reportOf(loaded.scenario);
}

const RACK = `
circuit: { volts: 110, breakerAmps: 20 }
switches: [{ id: sw, selfWatts: 20, poeBudgetWatts: 200, ports: 8 }]
loads:
  - { id: nodes, watts: 6, count: 8, poe: sw }
  - { id: router, watts: 20 }
inverter: 0.92
pack: { cell: eve-lf105, series: 16, fuse: { amps: 50, breakingKiloamps: 20 } }
charger: { amps: 20 }
stages: [{ name: rest, off: [nodes], atSoc: 0.4 }]
wishes: { hours: 6 }
`;
const examples = globSync('examples/scenarios/*.yaml').sort();

describe('a report', () => {
  it.each(examples)('of %s answers everything, alike every time', (path) => {
    const text = readFileSync(path, 'utf8');
    const report = reportFor(text);
    const html = reportHtml(report);
    expect(reportHtml(reportFor(text))).toBe(html);
    expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/);
    expect(reportMarkdown(report)).not.toMatch(/NaN|undefined|Infinity|\[object/);
    for (const title of ['At a glance', 'Warnings', 'Which pack', 'Parts', 'What the figures rest on']) {
      expect(html).toContain(`<h2>${title}</h2>`);
      expect(reportMarkdown(report)).toContain(`## ${title}\n`);
    }
    expect(html.length).toBeLessThan(60_000);
  });

  it('shows every warning with its code and what to do, and every assumption with its source', () => {
    const report = reportFor(RACK);
    const html = reportHtml(report);
    const markdown = reportMarkdown(report);
    expect(report.findings.length).toBeGreaterThan(1);
    for (const { code, advice } of report.findings) {
      expect(html).toContain(`<code>${code}</code>`);
      expect(html).toContain(escapeHtml(advice));
      expect(markdown).toContain(`\`${code}\``);
    }
    expect(report.assumptions.length).toBeGreaterThan(3);
    for (const { what, source } of report.assumptions) {
      expect(html).toContain(escapeHtml(what));
      expect(html).toContain(escapeHtml(source));
    }
    expect(new Set(report.findings.map(({ code, where }) => `${code} ${where}`)).size).toBe(report.findings.length);
  });

  it('draws all four pictures, which asks nobody for anything', () => {
    const html = reportHtml(reportFor(RACK));
    for (const title of ['where the watts go', 'voltage while', 'load and charge over time', 'packs by cost']) {
      expect(html).toContain(`<title>${title}`);
    }
    const outside = html.replaceAll('http://www.w3.org/2000/svg', '');
    expect(outside).not.toMatch(/https?:|<script|<link|<img|<iframe|@import|url\(|\sstyle="|\son\w+=/i);
    expect(html).toMatch(
      /Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-[\w+/=]{44}&#39;/,
    );
  });

  it('does without a pack, without loads, and without any wish that can be met', () => {
    const bare = reportHtml(reportFor('circuit: { volts: 120, breakerAmps: 15 }'));
    expect(bare).toContain('<h2>The circuit</h2>');
    expect(bare).not.toContain('How long it runs');
    const hopeless = reportFor(`${RACK.replace('wishes: { hours: 6 }', 'wishes: { hours: 6, maxMassKg: 1 }')}`);
    expect(hopeless.droppedWish).toBe('its weight');
    expect(reportHtml(hopeless)).toContain('No pack fulfils all wishes; these leave out its weight.');
    expect(reportHtml(reportFor(RACK.replace('hours: 6', 'hours: 9999')))).toContain('No pack of the catalogue');
    const idle = reportHtml(reportFor('pack: { cell: eve-lf105, series: 16 }'));
    expect(idle).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('sums what is known of the cost', () => {
    const { parts } = reportFor(RACK);
    expect(parts[0]).toMatchObject({ count: 16, what: 'cell eve-lf105', costUsd: 560 });
    expect(parts.map(({ what }) => what)).toEqual(
      expect.arrayContaining(['fuse at the pack 50 A, 20 kA', 'charger, 20 A', 'inverter', 'router']),
    );
  });

  it('is the one that is committed for every example', () => {
    expect(examples.length).toBeGreaterThanOrEqual(4);
    for (const path of examples) {
      const name = path.replace('scenarios', 'reports');
      expect(existsSync(name.replace('.yaml', '.html')), name).toBe(true);
      expect(existsSync(name.replace('.yaml', '.md')), name).toBe(true);
    }
  });
});

describe('texts from a scenario', () => {
  const named = (name: string): Report => reportFor(`${RACK}\nname: ${JSON.stringify(name)}`);

  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '</title><svg onload=x>',
    "a' onclick='b",
    '&lt;b&gt;',
  ])('are shown as they are, and do nothing: %s', (name) => {
    const html = reportHtml(named(name));
    expect(html).not.toContain(name);
    expect(html).toContain(`<h1>${escapeHtml(name)}</h1>`);
  });

  it('stay text in every place, whatever they are', () => {
    const names = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' });
    const base = named('x');
    fc.assert(
      fc.property(names, (name) => {
        const evil: Report = {
          ...base,
          name,
          parts: [{ count: 1, what: name }],
          assumptions: [{ what: name, value: name, source: name, verified: false }],
          checklist: [name],
          findings: [{ code: 'FUSE_MISSING', level: 'danger', text: name, advice: name, where: name }],
        };
        const html = reportHtml(evil);
        const tags = (text: string): number => text.match(/<[^>]*>/g)?.length ?? 0;
        expect(tags(html)).toBe(tags(reportHtml({ ...evil, ...plain })));
        expect(sankey([{ from: 'pack', to: name, watts: 5 }])).toContain('</svg>');
      }),
      { numRuns: 20 },
    );
  });
  const plain = {
    name: 'x',
    parts: [{ count: 1, what: 'x' }],
    assumptions: [{ what: 'x', value: 'x', source: 'x', verified: false }],
    checklist: ['x'],
    findings: [{ code: 'FUSE_MISSING', level: 'danger', text: 'x', advice: 'x', where: 'x' }],
  } as const;

  it('are no Markdown either', () => {
    const markdown = reportMarkdown(named('# *a* | <b> [l](x) `c`'));
    expect(markdown.split('\n')[0]).toBe('# \\# \\*a\\* \\| \\<b\\> \\[l\\](x) \\`c\\`: power plan');
    expect(markdown.match(/^# /gm)).toHaveLength(1);
    expect(reportMarkdown(named('3 W'))).toContain('# 3 W: power plan');
  });
});

describe('the bands of watts', () => {
  it('have room for many consumers, and go on where flows are a circle', () => {
    const many = Array.from({ length: 40 }, (_, i) => [
      { from: 'inverter', to: `load-${i}`, watts: i + 1 },
      { from: `load-${i}`, to: 'devices', watts: i + 1 },
    ]).flat();
    const svg = sankey([{ from: 'pack', to: 'inverter', watts: 820 }, ...many]);
    expect(svg).toContain('others');
    expect(svg.match(/<rect/g)?.length).toBeLessThan(16);
    expect(
      sankey([
        { from: 'a', to: 'b', watts: 1 },
        { from: 'b', to: 'a', watts: 1 },
      ]),
    ).toContain('</svg>');
  });
});
