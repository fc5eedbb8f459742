import { emptySymbol, masks, penalty, placeData, withMask } from './qrSymbol.js'

/**
 * A QR code for a text: byte mode, error correction level M, versions 1 to 20 (ISO/IEC 18004). Undefined where the text is too long.
 */

// Per version from 1: error correction bytes in a block, and blocks.
const checkBytes = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26]
const blockCounts = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16]

/** The modules, row by row: true is dark. */
export function qrModules(text) {
  const bytes = new TextEncoder().encode(text)
  const version = blockCounts.findIndex((_, at) => bytes.length <= capacity(at + 1)) + 1
  if (version === 0) return undefined
  const symbol = emptySymbol(version)
  placeData(symbol, interleave(dataBytes(bytes, version), version))
  const masked = masks.map((_, mask) => withMask(symbol, mask))
  return masked.reduce((best, next) => (penalty(next) < penalty(best) ? next : best))
}

export function qrSvg(text) {
  const modules = qrModules(text)
  if (!modules) return undefined
  const quiet = 4
  const size = modules.length + 2 * quiet
  const path = modules
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + quiet} ${y + quiet}h1v1h-1z` : '')))
    .join('')
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', 'QR code with the key')
  svg.setAttribute('shape-rendering', 'crispEdges')
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  shape.setAttribute('d', path)
  shape.setAttribute('fill', '#000')
  svg.append(shape)
  return svg
}

const lengthBits = version => (version < 10 ? 8 : 16)
const dataSize = version =>
  totalBytes(version) - (checkBytes[version - 1] ?? 0) * (blockCounts[version - 1] ?? 0)
const capacity = version => dataSize(version) - Math.ceil((4 + lengthBits(version)) / 8)

/** Bytes that the symbol holds beside its patterns. */
function totalBytes(version) {
  let bits = (16 * version + 128) * version + 64
  if (version > 1) {
    const marks = Math.floor(version / 7) + 2
    bits -= (25 * marks - 10) * marks - 55
    if (version > 6) bits -= 36
  }
  return Math.floor(bits / 8)
}

function dataBytes(bytes, version) {
  const size = dataSize(version)
  let bits = (4).toString(2).padStart(4, '0') + bytes.length.toString(2).padStart(lengthBits(version), '0')
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  bits += '0'.repeat(Math.min(4, size * 8 - bits.length))
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0')
  const result = bits.match(/.{8}/g).map(part => Number.parseInt(part, 2))
  for (let pad = 0xec; result.length < size; pad ^= 0xec ^ 0x11) result.push(pad)
  return result
}

/** Splits into blocks, gives each its check bytes, and deals them out in turn. The later blocks may be one byte longer. */
function interleave(data, version) {
  const count = blockCounts[version - 1]
  const short = Math.floor(data.length / count)
  const longFrom = count - (data.length % count)
  const blocks = []
  for (let at = 0, start = 0; at < count; at++) {
    const end = start + short + (at < longFrom ? 0 : 1)
    blocks.push(data.slice(start, end))
    start = end
  }
  const checks = blocks.map(block => remainder(block, divisor(checkBytes[version - 1])))
  return [...deal(blocks), ...deal(checks)]
}

function deal(blocks) {
  const longest = Math.max(...blocks.map(block => block.length))
  return Array.from({ length: longest }, (_, at) => blocks.flatMap(block => block.slice(at, at + 1))).flat()
}

/** Product in the field of 256 elements that Reed-Solomon codes of QR are made in. */
function times(left, right) {
  let product = 0
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >>> 7) * 0x11d)
    product ^= ((right >>> bit) & 1) * left
  }
  return product
}

function divisor(degree) {
  const result = [...Array(degree - 1).fill(0), 1]
  let root = 1
  for (let at = 0; at < degree; at++) {
    for (let place = 0; place < degree; place++) {
      result[place] = times(result[place], root) ^ (result[place + 1] ?? 0)
    }
    root = times(root, 2)
  }
  return result
}

function remainder(data, by) {
  const result = Array(by.length).fill(0)
  for (const byte of data) {
    const factor = byte ^ result.shift()
    result.push(0)
    for (const [place, coefficient] of by.entries()) result[place] ^= times(coefficient, factor)
  }
  return result
}
