export function make(tag: string, name = '', ...inside: Node[]): HTMLElement {
  const made = document.createElement(tag)
  made.className = name
  made.append(...inside)
  return made
}
