import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { startParley, type TestParley } from '../support/parley.ts'

const most = 5

/** S4: what is kept after an answer costs memory for as long as it is kept. */
describe('S4 connections that wait for a next request', () => {
  let parley: TestParley
  const open = new Set<Socket>()
  beforeAll(async () => {
    parley = await startParley('embedded', { CONNECTIONS_PER_ADDRESS: `${most}` })
  })
  afterAll(() => parley?.remove())
  afterEach(async () => {
    for (const socket of open) socket.destroy()
    await eventually('all are gone', () => open.size === 0)
  })

  /** A connection, and what came back on it. */
  async function connection() {
    const socket = connect(Number(new URL(parley.url).port), '127.0.0.1')
    const heard = { socket, text: '', closed: false }
    open.add(socket)
    socket.setEncoding('utf8')
    socket.on('data', chunk => {
      heard.text += chunk
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      heard.closed = true
      open.delete(socket)
    })
    return heard
  }
  const answers = ({ text }: { text: string }) => text.split('HTTP/1.1 ').length - 1
  const get = 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n'
  async function asking() {
    const heard = await connection()
    heard.socket.write(get)
    await eventually('it is answered', () => answers(heard) === 1)
    return heard
  }
  async function several(count: number) {
    const all: Awaited<ReturnType<typeof asking>>[] = []
    for (let at = 0; at < count; at++) all.push(await asking())
    return all
  }

  test('an address has so many, what is more ends after its answer, and one that ends makes room', async () => {
    const all = await several(most + 3)
    await eventually('the last ones are closed', () => open.size === most)
    expect(all.map(({ closed }) => closed)).toEqual([...Array(most).fill(false), true, true, true])
    const [first, second] = all
    first?.socket.destroy()
    await eventually('it is gone', () => open.size === most - 1)
    await asking()
    const [next] = await several(1)
    await eventually('it is one too many again', () => next?.closed === true)
    // Whoever is there asks again and again, and stays.
    for (let at = 2; at < 10; at++) {
      second?.socket.write(get)
      await eventually('it is answered', () => second !== undefined && answers(second) === at)
    }
    expect(second?.closed).toBe(false)
  })

  test('several requests on one connection are one connection', async () => {
    const [kept] = await several(1)
    kept?.socket.write(get.repeat(20))
    await eventually('all are answered', () => kept !== undefined && answers(kept) === 21)
    await several(most - 1)
    expect(open.size).toBe(most)
    await several(1)
    await eventually('one is too many', () => open.size === most)
    expect(kept?.closed).toBe(false)
  })

  test('a request that goes on after its answer waits as well, whatever it still brings, and is cut when it goes on for long', async () => {
    await several(most - 1)
    const upload = await connection()
    const head = 'POST /api/v1/visitor/uploads/none HTTP/1.1\r\nhost: localhost\r\n'
    upload.socket.write(
      `${head}content-type: application/zip\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    )
    await eventually('it is refused', () => answers(upload) === 1)
    upload.socket.write('3\r\nabc\r\n')
    await several(1)
    await eventually('one is too many', () => open.size === most)
    expect(upload.closed).toBe(false)
    await eventually('it has gone on for too long', () => upload.closed)
  })

  test('a body that never comes is no way to keep more', async () => {
    for (const request of ['GET /healthz', 'POST /nothing']) {
      for (let at = 0; at < most + 3; at++) {
        const { socket } = await connection()
        socket.write(`${request} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500\r\n\r\n`)
      }
      await eventually('what is more is closed', () => open.size <= most)
      await eventually('the others are as well, after a while', () => open.size === 0)
    }
  })
})
