/** The square of a QR code: its fixed patterns, where the data goes, and the mask over it. Points are `[x][y]` from the top left. */

export function emptySymbol(version) {
  const size = 4 * version + 17
  const plane = () => Array.from({ length: size }, () => Array(size).fill(false))
  const symbol = { version, size, dark: plane(), fixed: plane() }
  for (let at = 0; at < size; at++) {
    fix(symbol, 6, at, at % 2 === 0)
    fix(symbol, at, 6, at % 2 === 0)
  }
  for (const [x, y] of [
    [3, 3],
    [size - 4, 3],
    [3, size - 4],
  ]) {
    square(symbol, x, y, 4, distance => distance !== 2 && distance !== 4)
  }
  const marks = alignment(version, size)
  const last = marks.length - 1
  for (const [across, x] of marks.entries()) {
    for (const [down, y] of marks.entries()) {
      const underFinder = (across === 0 && (down === 0 || down === last)) || (across === last && down === 0)
      if (!underFinder) square(symbol, x, y, 2, distance => distance !== 1)
    }
  }
  placeFormat(symbol, 0)
  placeVersion(symbol)
  return symbol
}

function fix({ size, dark, fixed }, x, y, value) {
  if (x < 0 || y < 0 || x >= size || y >= size) return
  dark[x][y] = value
  fixed[x][y] = true
}

function square(symbol, x, y, reach, isDark) {
  for (let dx = -reach; dx <= reach; dx++) {
    for (let dy = -reach; dy <= reach; dy++) {
      fix(symbol, x + dx, y + dy, isDark(Math.max(Math.abs(dx), Math.abs(dy))))
    }
  }
}

function alignment(version, size) {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const step = Math.ceil((4 * version + 4) / (2 * count - 2)) * 2
  const far = Array.from({ length: count - 1 }, (_, at) => size - 7 - at * step)
  return [6, ...far.reverse()]
}

/** The mask, with the error correction level M, which is 00. */
function placeFormat(symbol, mask) {
  const { size } = symbol
  const bits = ((mask << 10) | checked(mask, 10, 0x537)) ^ 0x5412
  for (let at = 0; at < 15; at++) {
    const value = ((bits >>> at) & 1) === 1
    const near = at < 6 ? at : at + 1
    if (at < 8) fix(symbol, 8, near, value)
    else fix(symbol, at === 8 ? 7 : 14 - at, 8, value)
    if (at < 8) fix(symbol, size - 1 - at, 8, value)
    else fix(symbol, 8, size - 15 + at, value)
  }
  fix(symbol, 8, size - 8, true)
}

function placeVersion(symbol) {
  const { version, size } = symbol
  if (version < 7) return
  const bits = (version << 12) | checked(version, 12, 0x1f25)
  for (let at = 0; at < 18; at++) {
    const value = ((bits >>> at) & 1) === 1
    const far = size - 11 + (at % 3)
    const near = Math.floor(at / 3)
    fix(symbol, far, near, value)
    fix(symbol, near, far, value)
  }
}

/** The check bits of a short code: what is left of dividing by a polynomial of that degree. */
function checked(value, degree, polynomial) {
  let rest = value
  for (let at = 0; at < degree; at++) rest = (rest << 1) ^ ((rest >>> (degree - 1)) * polynomial)
  return rest
}

/** Bits go up and down in columns of two, from the right; the column of the timing pattern is skipped. */
export function placeData({ size, dark, fixed }, bytes) {
  let bit = 0
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5
    const upwards = ((right + 1) & 2) === 0
    for (let step = 0; step < size; step++) {
      const y = upwards ? size - 1 - step : step
      for (const x of [right, right - 1]) {
        if (fixed[x][y] || bit >= bytes.length * 8) continue
        dark[x][y] = ((bytes[bit >>> 3] >>> (7 - (bit & 7))) & 1) === 1
        bit++
      }
    }
  }
}

export const masks = [
  (x, y) => (x + y) % 2 === 0,
  (_x, y) => y % 2 === 0,
  x => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
]

/** The finished rows under one mask. */
export function withMask(symbol, mask) {
  const { size, fixed } = symbol
  const dark = symbol.dark.map((column, x) =>
    column.map((value, y) => (fixed[x][y] ? value : value !== masks[mask](x, y))),
  )
  placeFormat({ ...symbol, dark }, mask)
  return Array.from({ length: size }, (_, y) => dark.map(column => column[y]))
}

/** How hard the symbol is to read: long runs, blocks, what looks like a finder, and an uneven share of dark. */
export function penalty(rows) {
  const size = rows.length
  const lines = [...rows, ...rows.map((_, x) => rows.map(row => row[x]))]
  let points = 0
  for (const line of lines.map(cells => cells.map(Number).join(''))) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) points += run.length - 2
    points += 40 * [...`0000${line}0000`.matchAll(/(?=10111010000|00001011101)/g)].length
  }
  let total = 0
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const value = rows[y][x]
      if (value) total++
      const inside = x > 0 && y > 0
      if (inside && value === rows[y - 1][x] && value === rows[y][x - 1] && value === rows[y - 1][x - 1]) {
        points += 3
      }
    }
  }
  return points + 10 * (Math.ceil(Math.abs(total * 20 - size * size * 10) / (size * size)) - 1)
}
