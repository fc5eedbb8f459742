// A visitor who says one thing, waits for the answer, and leaves: the shortest way through docs/PROTOCOL.md, without its section 7 and 8, which
// every client that is to lose nothing follows.
//
//   node docs/examples/visitor.mjs http://localhost:3000 WIDGET_KEY "How long can I return an item?"
import { randomUUID } from 'node:crypto'
import { stdout } from 'node:process'
import { io } from 'socket.io-client'

const [url, widget, words] = process.argv.slice(2)
if (!words) throw new Error('Needs an address, the key of a widget, and something to say.')

// Rule 1.8. Whoever comes back shows `resume` of the answer as well, and is known again.
const visit = await fetch(`${url}/api/v1/visitor/sessions`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ widget }),
})
if (!visit.ok) throw new Error(await visit.text())
const { token } = await visit.json()

const socket = io(`${url}/visitor`, {
  ...{ query: { widget }, auth: { version: 1, token }, transports: ['websocket'], reconnection: false },
})
const fail = failure => {
  socket.close()
  throw new Error(`${failure.code ?? ''} ${failure.message}`)
}
const ask = async (command, input) => {
  const answer = await socket.timeout(8_000).emitWithAck(command, input)
  return answer.ok ? answer.value : fail(answer.error)
}
socket.on('connect_error', error => fail(error.data ?? error))
socket.on('closing', fail)
socket.on('entries', ({ entries }) => {
  for (const { seq, sender, text } of entries) stdout.write(`${seq} ${sender.kind}: ${text}\n`)
  // Of the agent, a member, or the system, which says that people are called.
  if (entries.some(({ sender }) => sender.kind !== 'contact')) socket.close()
})
socket.once('welcome', async () => {
  const { conversation } = await ask('conversation.open', { clientId: randomUUID() })
  await ask('message.send', {
    ...{ conversationId: conversation.id, clientId: randomUUID() },
    parts: [{ type: 'text', text: words }],
  })
})
