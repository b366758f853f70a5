// Small PDFs written by hand: one page per text; a page without text is what a scan looks like.
export function pdf(...texts) {
  const pages = texts.length ? texts : [''];
  const kids = pages.map((_, i) => `${4 + 2 * i} 0 R`).join(' ');
  const objects = ['<</Type/Catalog/Pages 2 0 R>>', `<</Type/Pages/Kids[${kids}]/Count ${pages.length}>>`, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>'];
  for (const text of pages) {
    const content = text ? `BT /F1 24 Tf 72 720 Td (${text}) Tj ET` : '';
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents ${objects.length + 2} 0 R/Resources<</Font<</F1 3 0 R>>>>>>`);
    objects.push(`<</Length ${content.length}>>\nstream\n${content}\nendstream`);
  }
  let out = '%PDF-1.4\n', table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  objects.forEach((object, i) => {
    table += `${String(out.length).padStart(10, '0')} 00000 n \n`;
    out += `${i + 1} 0 obj\n${object}\nendobj\n`;
  });
  const start = out.length;
  return Buffer.from(`${out}${table}trailer\n<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`, 'latin1');
}
