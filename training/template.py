"""The HTML of the evaluation page, for jinja2."""

TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>sayso: evaluation</title><link rel="icon" href="data:,">
<style>
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1200px; padding: 1rem; color: #1c1c1c }
h2 { border-top: 2px solid #1c1c1c; padding-top: .5rem; margin-top: 2.5rem }
.wide { overflow-x: auto }
table { border-collapse: collapse; margin: .5rem 0 1.2rem }
th, td { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left }
svg { font-size: 11px; width: 300px; max-width: 100% }
svg.bar { width: 60px; height: 8px; background: #eee; fill: #3056a0; margin-left: .4rem; max-width: none }
th { white-space: normal; vertical-align: bottom; min-width: 2rem; max-width: 9rem }
.plots { display: flex; flex-wrap: wrap; gap: 1rem }
.error { border: 1px solid #ccc; border-radius: 4px; padding: .5rem .8rem; margin: .6rem 0; content-visibility: auto }
.error p { margin: .25rem 0; overflow-wrap: anywhere }
.context { color: #666 } .who { display: inline-block; width: 3.2rem; color: #555; font-size: 12px }
.kind { background: #eee; border-radius: 3px; padding: 0 .35rem; font-size: 12px; white-space: nowrap }
mark { border-radius: 2px; padding: 0 1px } mark.content { background: #cdeccd } mark.cue { background: #ffd9a3 }
mark.source { background: #bcd2ff } mark.target { border-bottom: 2px solid #a0408f; background: none }
mark.content.source { background: #bcd2ff } mark.content.cue { background: #ffd9a3 }
mark.content.target { background: #cdeccd }
select { font: inherit; max-width: 100% }
</style></head><body>
<h1>sayso: evaluation</h1>
<p>{{ model.name }} {{ model.version }}, <code>{{ model.digest[:23] }}</code>. Scores in percent; intervals: 95 %, from
resampled documents. <mark class="source">source</mark> <mark class="cue">cue</mark>
<mark class="content">content</mark> <mark class="target">target</mark></p>
{% macro pct(v) %}{% if v is not none %}{{ "%.1f"|format(100 * v) }}{% endif %}{% endmacro %}
{% for c in corpora %}
<section><h2>{{ c.name }}</h2>
<p>{{ c.scores.documents }} documents, {{ c.scores.sentences }} sentences, {{ c.scores.unaligned }} unaligned.</p>
<div class="wide"><table><tr><th>figure</th><th>P</th><th>R</th><th>score</th><th>95 %</th><th>support</th>
{% for r in c.rivals %}<th>{{ r }}</th>{% endfor %}</tr>
{% for r in c.rows %}<tr><td>{{ r.name }}</td><td>{{ pct(r.precision) }}</td><td>{{ pct(r.recall) }}</td>
<td>{{ pct(r.value) }}{{ r.bar }}</td><td>{{ pct(r.interval[0]) }}–{{ pct(r.interval[1]) }}</td>
<td>{{ r.support if r.support is not none else "" }}</td>{% for v in r.rivals %}<td>{{ pct(v) }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% if c.differences %}<h3>The other model</h3><div class="wide"><table>
<tr><th>figure</th><th>model</th><th>other</th><th>difference, 95 %</th><th>resamples that disagree</th></tr>
{% for name, d in c.differences.items() %}<tr><td>{{ name }}</td><td>{{ pct(d.first) }}</td><td>{{ pct(d.second) }}</td>
<td>{{ pct(d.low) }} to {{ pct(d.high) }}</td><td>{{ pct(d.disagree) }} %</td></tr>{% endfor %}</table></div>{% endif %}
{% for m in c.confusions %}<h3>Confusion: {{ m.name }} (rows gold, columns predicted)</h3>
<div class="wide"><table><tr><th></th>{% for x in m.columns %}<th>{{ x|replace('_', ' ') }}</th>{% endfor %}</tr>
{% for name, cells in m.rows %}<tr><th>{{ name|replace('_', ' ') }}</th>{% for n, share in cells %}
<td style="background: rgba(48, 86, 160, {{ share }}){% if share > 0.5 %}; color: #fff{% endif %}">{{ n }}</td>
{% endfor %}</tr>{% endfor %}</table></div>{% endfor %}
<div class="plots">{% for plot in c.plots %}<div>{{ plot }}</div>{% endfor %}</div>
{% if c.slices %}<h3>Slices</h3>{% for t in c.slices %}<div class="wide"><table>
<tr><th>{{ t.kind }}</th><th>sentences</th>{% for x in t.columns %}<th>{{ x|replace('_', ' ') }}</th>{% endfor %}</tr>
{% for part, n, values in t.rows %}<tr><td>{{ part }}</td><td>{{ n }}</td>
{% for v in values %}<td>{% if v %}{{ pct(v[0]) }}{{ v[1] }}{% endif %}</td>{% endfor %}</tr>{% endfor %}
</table></div>{% endfor %}{% endif %}
<h3>Errors</h3>
<p>The {{ c.errors|length }} of {{ c.wrong }} wrong sentences of which the model was surest.
<label>Show <select class="filter"><option value="">all kinds</option>
{% for kind in c.kinds %}<option>{{ kind }}</option>{% endfor %}</select></label></p>
{% for e in c.errors %}<article class="error" data-kinds="|{{ e.mistake.kinds|join('|') }}|">
<p>{% for kind in e.mistake.kinds %}<span class="kind">{{ kind }}</span> {% endfor %}
<small>{{ e.mistake.id }}, sure {{ "%.2f"|format(e.mistake.confidence) }}</small></p>
<p class="context">{{ e.mistake.before }}</p>
<p><span class="who">gold</span>{{ e.gold }} <small>[{{ e.mistake.gold }}]</small></p>
<p><span class="who">found</span>{{ e.found }} <small>[{{ e.mistake.found }}]</small></p>
<p class="context">{{ e.mistake.after }}</p></article>
{% endfor %}</section>{% endfor %}
<script>
for (const filter of document.querySelectorAll("select.filter"))
  filter.addEventListener("change", () => {
    for (const error of filter.closest("section").querySelectorAll(".error"))
      error.hidden = filter.value !== "" && !error.dataset.kinds.includes("|" + filter.value + "|");
  });
</script></body></html>
"""
