interface Adopted {
  readonly sheet: CSSStyleSheet
  readonly css: string
}

const sheets = new WeakMap<ShadowRoot, Map<string, Adopted>>()

/**
 * Constructable style sheets alone: they work where the host's policy allows no inline styles. What is named again is replaced, if its text is
 * another one: each time browsers style everything anew.
 */
export function adopt(shadow: ShadowRoot, name: string, css: string): void {
  const known = sheets.get(shadow) ?? new Map<string, Adopted>()
  sheets.set(shadow, known)
  const before = known.get(name)
  if (before?.css === css) return
  const sheet = before?.sheet ?? new CSSStyleSheet()
  known.set(name, { sheet, css })
  if (!before) shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet]
  sheet.replaceSync(css)
}

export function unadopt(shadow: ShadowRoot): void {
  const own = new Set([...(sheets.get(shadow)?.values() ?? [])].map(({ sheet }) => sheet))
  shadow.adoptedStyleSheets = shadow.adoptedStyleSheets.filter(sheet => !own.has(sheet))
  sheets.delete(shadow)
}
