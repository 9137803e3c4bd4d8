/** The only style of the page: light and dark by what the reader's system asks for, black on white on paper. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2430;--soft:#5a6675;--line:#d9dfe6;--card:#f4f6f9;--a:#1f6fb2;--b:#c2571a;--c:#2c8a57;--d:#7d4fb0;--bad:#b3261e;--warn:#8a5a00;--note:#3a6278;--loss:#c98a4b}
@media(prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e4e9ef;--soft:#9aa7b5;--line:#303a46;--card:#1b222b;--a:#6cb6ff;--b:#f0955a;--c:#5fcf95;--d:#c39bf0;--bad:#ff8b83;--warn:#e9b44c;--note:#8fc1dc;--loss:#b9824c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0 0;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .6rem;padding-top:.6rem;border-top:1px solid var(--line)}
p{margin:.5rem 0;overflow-wrap:anywhere}
.lead,figcaption,.source{color:var(--soft);font-size:.9rem}
dl.glance{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;margin:0}
dl.glance div{background:var(--card);border-radius:.5rem;padding:.6rem .8rem}
dl.glance dt,dl.glance dd.more{color:var(--soft);font-size:.85rem}
dl.glance dd{margin:0}
dl.glance dd.value{font-size:1.25rem;font-weight:600;line-height:1.3}
ul.findings{list-style:none;margin:0;padding:0}
ul.findings li{border-left:4px solid var(--note);background:var(--card);border-radius:.3rem;padding:.5rem .8rem;margin:.5rem 0}
ul.findings li.danger{border-color:var(--bad)}ul.findings li.caution{border-color:var(--warn)}
ul.findings .level{font-weight:600;color:var(--note)}
ul.findings .danger .level{color:var(--bad)}ul.findings .caution .level{color:var(--warn)}
code{font:600 .85rem ui-monospace,monospace;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:.6rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
th,td{padding:.3rem .5rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:top}
th{color:var(--soft);font-weight:500}
.left{text-align:left}td.wide{white-space:normal;min-width:9.5rem}th{white-space:normal;vertical-align:bottom}
figure{margin:1rem 0;max-width:34rem}
svg{display:block;width:100%;height:auto;font:11.5px system-ui,sans-serif}
svg text{fill:var(--fg)}svg .tick,svg .axis{fill:var(--soft);font-size:10.5px}
.grid{stroke:var(--line);stroke-width:.7}.limit{stroke:var(--bad);stroke-width:1.2;stroke-dasharray:5 4}.edge{stroke:var(--soft);stroke-width:.8;stroke-dasharray:2 3}
.course{fill:none;stroke-width:2;stroke-linejoin:round;stroke:var(--a)}.course-1{stroke:var(--b);stroke-dasharray:7 3}.course-2{stroke:var(--c);stroke-dasharray:2 3}.course-3{stroke:var(--d);stroke-dasharray:9 3 2 3}
.load{fill:var(--a);fill-opacity:.3;stroke:var(--a);stroke-width:1}
.band{fill:var(--a);fill-opacity:.28}.band.loss{fill:var(--loss);fill-opacity:.5}.bar{fill:var(--a)}.bar.loss{fill:var(--loss)}
.label{paint-order:stroke;stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}
.other{fill:var(--soft);fill-opacity:.6}.mark{fill:var(--bg);stroke:var(--a);stroke-width:1.5}.mark.lto{stroke:var(--c)}.mark.best{fill:var(--a)}.mark.best.lto{fill:var(--c)}
svg .number{font-size:10px;font-weight:600}svg .best+.number{fill:var(--bg)}
dl.assumptions{font-size:.9rem;margin:0}dl.assumptions dt{font-weight:600;margin-top:.5rem;overflow-wrap:anywhere}dl.assumptions dd{margin:0;overflow-wrap:anywhere}
.unverified{color:var(--warn)}
@media print{:root{color-scheme:light;--bg:#fff;--fg:#000;--soft:#444;--line:#bbb;--card:#fff;--a:#1f6fb2;--b:#c2571a;--c:#2c8a57;--d:#7d4fb0;--bad:#b3261e;--warn:#8a5a00;--note:#3a6278;--loss:#c98a4b}main{max-width:none;padding:0}h2{break-after:avoid}figure,ul.findings li,tr{break-inside:avoid}.scroll{overflow:visible}table{font-size:.75rem}}
`.trim();
