// As much of a loader as the app needs: a launcher, a shadow root, what the server says of the widget.
const { origin, key, config: given = {}, language, identity } = self.shop
self.told = []
const place = document.createElement('div')
document.body.append(place)
const shadow = place.attachShadow({ mode: 'open' })
const launcher = Object.assign(document.createElement('button'), { id: 'launcher', textContent: 'Chat' })
launcher.setAttribute('aria-expanded', 'false')
const style = new CSSStyleSheet()
style.replaceSync(
  '#launcher{all:initial;position:fixed;inset-block-end:20px;inset-inline-end:20px;width:56px;height:56px;border-radius:50%;background:#1f6f54;color:#fff;text-align:center;font:600 14px system-ui;cursor:pointer}#launcher:focus-visible{outline:3px solid #15181e;outline-offset:2px}',
)
shadow.adoptedStyleSheets = [style]
place.setAttribute('role', 'complementary')
place.setAttribute('aria-label', 'Chat')
shadow.append(launcher)

const read = async () => {
  const response = await fetch(`${origin}/api/v1/visitor/widgets/${key}`)
  if (!response.ok) throw new Error(`the widget: ${response.status}`)
  return response.json()
}
const merge = (one, other) => {
  const all = { ...one }
  for (const [name, value] of Object.entries(other))
    all[name] =
      value && typeof value === 'object' && !Array.isArray(value) && all[name]
        ? merge(all[name], value)
        : value
  return all
}
const kept = () => {
  try {
    return localStorage.getItem(`parley:${key}`) !== null
  } catch {
    return false
  }
}
const { mount } = await import('/app/main.js')
const app = mount({
  ...{ origin, key, shadow, language, identity, keeps: kept(), config: merge(await read(), given) },
  tell: event => {
    self.told.push(event)
    if (event.type === 'open') launcher.setAttribute('aria-expanded', 'true')
    if (event.type === 'close') {
      launcher.setAttribute('aria-expanded', 'false')
      launcher.focus()
    }
  },
})
launcher.onclick = () => (app.isOpen ? app.close() : app.open())
self.parleyApp = app
launcher.dataset.ready = ''
