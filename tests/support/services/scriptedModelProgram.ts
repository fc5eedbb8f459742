import { parseArgs } from 'node:util'
import { startScriptedModel } from './scriptedModel.ts'

/**
 * The scripted server as a process of its own, for benchmarks and for trying things by hand:
 * `node tests/support/services/scriptedModelProgram.ts --port 0 --rate 50 --words 120 --first-after-ms 200`.
 * Prints one line of JSON with its addresses, and serves until it is told to end.
 */
const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    /** Words per second of each answer; unset: at once. */
    rate: { type: 'string' },
    words: { type: 'string', default: '60' },
    'first-after-ms': { type: 'string', default: '0' },
  },
})

const vocabulary =
  'Parcels leave our house within two days and reach most addresses within three more [1].'.split(' ')
const text = Array.from({ length: Number(values.words) }, (_, at) => vocabulary[at % vocabulary.length]).join(
  ' ',
)
const scripted = await startScriptedModel({ port: Number(values.port) })
scripted.always('chat', {
  text,
  ...(values.rate !== undefined && { rate: Number(values.rate) }),
  firstAfterMs: Number(values['first-after-ms']),
})
console.log(JSON.stringify({ url: scripted.url, rerankUrl: scripted.rerankUrl }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void scripted.stop())
