// A terminal's grid as a picture. Pure.
const kCell = { width: 8.4, height: 18 };
const kEdge = 14;
const kColours = { 31: '#ff7b72', 32: '#7ee787', 33: '#e3b341' };
const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);

// Pieces of a row that look the same, each at its own place: columns stay straight in every font.
function runs(row) {
  const out = [];
  let blanks = 2;
  row.forEach((cell, x) => {
    blanks = cell.text === ' ' ? blanks + 1 : 0;
    const last = out.at(-1);
    if (last && last.look === cell.look && !last.over) last.text += cell.text;
    else if (!blanks) out.push({ x, look: cell.look, text: cell.text });
    if (blanks > 1 && out.length) out.at(-1).over = true;
  });
  return out.map((run) => ({ ...run, text: run.text.trimEnd() }));
}

export function drawSvg({ cells, columns, rows }, title) {
  const width = Math.ceil(columns * kCell.width + 2 * kEdge), height = rows * kCell.height + 2 * kEdge;
  const text = cells.flatMap((row, y) => runs(row).map((run) => {
    const look = `${kColours[run.look] ? ` fill="${kColours[run.look]}"` : ''}${run.look === '1' ? ' font-weight="bold"' : ''}${run.look === '2' ? ' opacity="0.6"' : ''}`;
    return `<text x="${(kEdge + run.x * kCell.width).toFixed(1)}" y="${kEdge + y * kCell.height + 13}"${look}>${escape(run.text)}</text>`;
  }));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<rect width="100%" height="100%" rx="8" fill="#161b22"/>
<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">
${text.join('\n')}
</g>
</svg>
`;
}
