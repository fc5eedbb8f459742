type Rgb = readonly [number, number, number]

const parse = (hex: string): Rgb => {
  const value = Number.parseInt(hex.slice(1), 16)
  return [value >> 16, (value >> 8) & 255, value & 255]
}

const print = (colour: Rgb): string =>
  `#${colour.map(part => Math.round(part).toString(16).padStart(2, '0')).join('')}`

/** Relative luminance, as WCAG defines it. */
const luminance = (colour: Rgb): number => {
  const [red = 0, green = 0, blue = 0] = colour.map(part => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

export const contrast = (a: string, b: string): number => {
  const [darker = 0, lighter = 0] = [luminance(parse(a)), luminance(parse(b))].sort((one, two) => one - two)
  return (lighter + 0.05) / (darker + 0.05)
}

/** The one of black and white that can be read better; of any colour it has 4.58 at least. */
export const readableOn = (colour: string): string =>
  contrast(colour, '#ffffff') >= contrast(colour, '#000000') ? '#ffffff' : '#000000'

/** The colour itself where it can be read on all of these, or as little lighter or darker as it takes. */
export function readableAs(colour: string, grounds: readonly string[], wanted = 4.5): string {
  const [first = '#ffffff'] = grounds
  const towards: Rgb = luminance(parse(first)) > 0.4 ? [0, 0, 0] : [255, 255, 255]
  const from = parse(colour)
  for (let share = 0; share < 1; share += 0.04) {
    const mixed = print(from.map((part, at) => part + ((towards[at] ?? 0) - part) * share) as unknown as Rgb)
    if (grounds.every(ground => contrast(mixed, ground) >= wanted)) return mixed
  }
  return print(towards)
}

const light = { bg: '#ffffff', soft: '#f3f4f6', line: '#e2e5ea', text: '#15181e', muted: '#586070' }
const dark = { bg: '#16181d', soft: '#25282f', line: '#3a3e48', text: '#f1f3f6', muted: '#aab1bf' }

/** All colours of the widget, from the one of the brand. */
export function coloursOf(accent: string, isDark: boolean): string {
  const ground = isDark ? dark : light
  const colours = {
    ...ground,
    accent,
    on: readableOn(accent),
    ink: readableAs(accent, [ground.soft, ground.bg]),
    bad: isDark ? '#ff9b94' : '#b3261e',
    good: isDark ? '#6fdc9c' : '#1b7f4b',
  }
  const rules = Object.entries(colours).map(([name, value]) => `--${name}:${value}`)
  return `.parley{${rules.join(';')};color-scheme:${isDark ? 'dark' : 'light'}}`
}
