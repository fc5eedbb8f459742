import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

/** A wire to a server that a test can damage. */
export interface Wire extends AsyncDisposable {
  readonly port: number
  /** Breaks all connections and refuses new ones. */
  cut(): Promise<void>
  /** Swallows everything without a word, new connections too: a network that loses packets. */
  freeze(): void
  /** As at the beginning; what was swallowed while frozen arrives now. */
  restore(): Promise<void>
}

interface Strand {
  readonly near: Socket
  readonly far: Socket
}

type Loses = (piece: Buffer) => boolean

export interface Target {
  readonly host: string
  readonly port: number
}

/**
 * `target`: where it leads; asked anew for every connection where it is a function. `delayOf`: how long a piece of what is sent
 * there takes on its way; what comes after it waits behind it. `losesAnswer`: asked for each connection; after a piece of which it says
 * so that arrives, but nothing comes back any more, and the connection breaks.
 */
export async function startWire(
  target: Target | (() => Target),
  { delayOf, losesAnswer }: { delayOf?: (piece: Buffer) => number; losesAnswer?: () => Loses } = {},
): Promise<Wire> {
  const strands = new Set<Strand>()
  let frozen = false
  let server: Server | undefined
  let port = 0

  const carry = ({ near, far }: Strand) => {
    if (delayOf) near.pipe(delayed(delayOf)).pipe(far)
    else near.pipe(far)
    far.pipe(near)
  }
  const hold = ({ near, far }: Strand) => {
    near.unpipe().pause()
    far.unpipe().pause()
  }
  const accept = (near: Socket) => {
    const strand = { near, far: dial(typeof target === 'function' ? target() : target) }
    strands.add(strand)
    for (const end of [strand.near, strand.far]) {
      end.on('error', () => undefined)
      end.on('close', () => {
        strands.delete(strand)
        strand.near.destroy()
        strand.far.destroy()
      })
    }
    if (losesAnswer) loseAnswers(strand, losesAnswer())
    if (!frozen) carry(strand)
  }
  async function open(): Promise<void> {
    const opened = createServer(accept).listen(port, '127.0.0.1')
    await once(opened, 'listening')
    port = (opened.address() as AddressInfo).port
    server = opened
  }
  const breakAll = () => {
    for (const { near, far } of strands) {
      near.resetAndDestroy()
      far.destroy()
    }
  }
  async function cut(): Promise<void> {
    const closing = server
    server = undefined
    breakAll()
    if (closing) await new Promise(resolve => closing.close(resolve))
  }

  await open()
  return {
    port,
    cut,
    freeze() {
      frozen = true
      strands.forEach(hold)
    },
    async restore() {
      if (!server) await open()
      // Only what was held: a wire that carries twice delivers everything twice.
      if (frozen) strands.forEach(carry)
      frozen = false
    },
    [Symbol.asyncDispose]: cut,
  }
}

/** The server has long enough to do what it was asked. */
const doneMs = 300

function loseAnswers({ near, far }: Strand, loses: Loses): void {
  near.on('data', (piece: Buffer) => {
    if (!loses(piece)) return
    far.unpipe(near).resume()
    setTimeout(() => near.resetAndDestroy(), doneMs)
  })
}

/** Pieces leave in the order they came, each no sooner than its delay after it came. */
function delayed(delayOf: (piece: Buffer) => number): Transform {
  let before = Promise.resolve()
  return new Transform({
    transform(piece: Buffer, _encoding, done) {
      const waited = sleep(delayOf(piece))
      before = before.then(() => waited).then(() => void this.push(piece))
      done()
    },
    flush(done) {
      void before.then(() => done())
    },
  })
}
