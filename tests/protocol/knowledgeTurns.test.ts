import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { closeServers } from '../support/outgoing.ts'
import { startSite } from '../support/site.ts'
import { type SourcesWorld, startSourcesWorld } from '../support/sourcesWorld.ts'
import { watchTurns } from '../support/watchTurns.ts'

/** The engine of the embedded database computes in the thread of the program itself. */
describe.skipIf(!inject('services').postgres)('K2 turns of the event loop on PostgreSQL', () => {
  let world: SourcesWorld
  beforeAll(async () => {
    world = await startSourcesWorld('PostgreSQL')
  })
  afterAll(async () => {
    await closeServers()
    await world.parley.remove()
  })

  /** Some hundreds of chunks, each with words of its own. */
  const bookWith = (word: string) =>
    Array.from({ length: 1_200 }, (_, chapter) => {
      const lines = Array.from(
        { length: 25 },
        (_line, line) =>
          `Parcel${chapter}x${line} sails to island${(chapter * line) % 97} with ${word} and harbour${line}.`,
      )
      return `## Chapter ${chapter}\n\n${lines.join(' ')}`
    }).join('\n\n')

  test('K2: a book is embedded and stored, and read again, without holding up anything else', {
    timeout: 120_000,
  }, async () => {
    // What is compiled at its first use is not what is measured.
    await world.read({ type: 'text', name: 'Leaf', text: 'Some words.' })
    let book = bookWith('herring')
    const { url } = await startSite({
      '/': (_request, response) => response.setHeader('content-type', 'text/markdown').end(book),
    })
    const first = watchTurns()
    const source = await world.read({ type: 'url', url })
    const { longest } = first.end()
    expect(source).toMatchObject({ status: 'ready', counts: { documents: 1 } })
    expect(source.counts.chunks).toBeGreaterThan(400)
    const second = watchTurns()
    // All chapters but the first have their vectors already.
    book = book.replace('herring', 'mackerel')
    expect(await world.resync(source.id)).toMatchObject({ status: 'ready', counts: { documents: 1 } })
    const { longest: again } = second.end()
    expect(longest).toBeLessThan(100)
    expect(again).toBeLessThan(100)
  })
})
