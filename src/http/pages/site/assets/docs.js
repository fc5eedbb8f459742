import { call } from './api.js'
import { at } from './dom.js'
import { frame, whoAmI } from './session.js'

async function openViewer() {
  const { data, problem } = await call('get', '/api/openapi.json')
  if (problem) {
    at('viewer').textContent = 'The API document cannot be read right now.'
    return
  }
  const night = matchMedia('(prefers-color-scheme: dark)')
  const adapt = () => document.documentElement.classList.toggle('dark-mode', night.matches)
  night.addEventListener('change', adapt)
  adapt()
  globalThis.SwaggerUIBundle({
    spec: forViewer(data),
    domNode: at('viewer'),
    deepLinking: true,
    docExpansion: 'none',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    persistAuthorization: false,
    validatorUrl: null,
    withCredentials: true,
  })
}

/**
 * The document as it holds in this page. The server may be reached under more names than the document tells; here it is the one
 * that has the session. The session itself goes along with every request, so nobody is asked for it; a key may be given instead.
 */
function forViewer(described) {
  const spec = structuredClone(described)
  for (const { url } of described.servers) {
    spec.info.description = spec.info.description.replaceAll(url, location.origin)
  }
  spec.servers = [{ url: location.origin }]
  delete spec.components.securitySchemes.session
  for (const path of Object.values(spec.paths)) {
    for (const operation of Object.values(path)) {
      operation.security = operation.security.filter(kind => !('session' in kind))
    }
  }
  return spec
}

async function sayWhoActs() {
  const me = await whoAmI()
  if (me) at('acting').textContent = `Requests you try out here really run, as ${me.email}.`
}

await Promise.all([frame(), sayWhoActs(), openViewer()])
