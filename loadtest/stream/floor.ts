/**
 * What a first word takes, and what 200 answers at once cost, at the least on this machine at this moment: bare Socket.IO that acknowledges
 * a question, asks the model by OpenAI's library and hands on its words, joined as the product joins them. It stores and looks up nothing.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import OpenAI from 'openai'
import { Server, type Socket } from 'socket.io'
import { serveCalls } from '../harness/parts.ts'

const frameMs = 35
/** As the product's. */
const lag = monitorEventLoopDelay({ resolution: 10 })

interface Question {
  readonly parts: readonly { readonly text: string }[]
}

async function answer(model: OpenAI, socket: Socket, { parts }: Question): Promise<void> {
  let text = ''
  let sent = 0
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    timer = undefined
    if (sent === text.length) return
    socket.emit('delta', { offset: sent, text: text.slice(sent) })
    sent = text.length
    timer = setTimeout(tell, frameMs)
  }
  const messages = [{ role: 'user' as const, content: parts.map(part => part.text).join('\n') }]
  const stream = await model.chat.completions.create({ model: 'floor', stream: true, messages })
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    if (!timer) tell()
  }
  clearTimeout(timer)
  tell()
  clearTimeout(timer)
  socket.emit('entries', { entries: [{ role: 'assistant', text }] })
}

async function listen(modelUrl: string): Promise<string> {
  const model = new OpenAI({ baseURL: modelUrl, apiKey: 'none', maxRetries: 0 })
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'] })
  io.of('/visitor').on('connection', socket => {
    socket.on('conversation.open', (_: unknown, acknowledge: (answer: unknown) => void) =>
      acknowledge({ ok: true, value: { conversation: { id: socket.id } } }),
    )
    socket.on('message.send', (question: Question, acknowledge: (answer: unknown) => void) => {
      acknowledge({ ok: true })
      void answer(model, socket, question)
    })
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

serveCalls({
  listen,
  /** Milliseconds since it was last read. */
  lag: (): number => {
    const ms = lag.percentile(99) / 1e6
    lag.reset()
    lag.enable()
    return ms
  },
})
