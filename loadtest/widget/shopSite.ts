import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { brotliCompress } from 'node:zlib'
import { build } from 'esbuild'
import type { BenchmarkContext } from '../harness/benchmark.ts'

export const pages = ['with', 'without', 'floor'] as const
export type PageName = (typeof pages)[number]

/** A shop on an origin of its own: one page with the widget, the same without, and the least that any chat of this kind would load. */
export async function startShop(
  { undo }: Pick<BenchmarkContext, 'undo'>,
  { url, widgetKey }: { readonly url: string; readonly widgetKey: string },
): Promise<string> {
  const floor = await promisify(brotliCompress)(await bundleFloor(url, widgetKey))
  const html = (head: string, body: string) =>
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">${head}</head><body><h1>Shop</h1>${'<p>Solid wood, made to be repaired.</p>'.repeat(50)}${body}</body></html>`
  const bodies: Readonly<Record<PageName, string>> = {
    with: html(`<script async src="${url}/widget.js" data-widget="${widgetKey}"></script>`, ''),
    without: html('', ''),
    floor: html(
      '',
      `<button id="open">Chat</button><script type="module">
      document.querySelector('#open').onclick = async () => (await import('/floor.js')).open()</script>`,
    ),
  }
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1)
    if (name === 'floor.js') {
      response.writeHead(200, { 'content-type': 'text/javascript', 'content-encoding': 'br' }).end(floor)
      return
    }
    const body = pages.find(page => page === name)
    response.writeHead(body ? 200 : 404, { 'content-type': 'text/html' }).end(body && bodies[body])
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  undo.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Socket.IO's own client and Preact, a text field and a connection; nothing that makes a chat. */
async function bundleFloor(url: string, widgetKey: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { h, render } from 'preact'
        import { io } from 'socket.io-client'
        export function open() {
          const root = document.createElement('div')
          root.id = 'floor'
          document.body.append(root)
          render(h('textarea', {}), root)
          root.firstChild.focus()
          io('${url}/visitor', { query: { widget: '${widgetKey}' }, reconnection: false, transports: ['websocket'] })
        }`,
      resolveDir: import.meta.dirname,
    },
    ...{ bundle: true, minify: true, format: 'esm', target: 'es2022', write: false },
  })
  const [file] = outputFiles
  if (!file) throw new Error('esbuild made nothing of the floor')
  return file.contents
}
