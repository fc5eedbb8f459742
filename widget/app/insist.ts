/** Before the further tries: a network that blinks is back by then, and behind one name another server may answer. */
const pausesMs = [300, 1_500]

/** The server has this part no more: a newer version has taken the place of the one that this page began with. */
export class Outdated extends Error {}

/**
 * Loads a part of the app, once, in several tries, and with further ones whenever it is wanted again. For as long as a page lives its browser
 * remembers what it could not load, so each further try has an address of its own. Under which name the part was bundled is known to the
 * function that imports it and to nothing else, hence the look at its text. What such a part imports has to be there already, as
 * `widget/bundle.ts` sees to, because that could not be tried again.
 */
export function insist<Module>(load: () => Promise<Module>): () => Promise<Module> {
  const address = new URL(/"(.+)"/.exec(`${load}`)?.[1] ?? '', import.meta.url)
  let tries = 0
  let loading: Promise<Module> | undefined
  const once = (): Promise<Module> => (tries++ ? import(`${address}?${tries}`) : load())
  const often = async (): Promise<Module> => {
    for (const pause of pausesMs) {
      try {
        return await once()
      } catch {
        // Told when the last try fails, too.
        await new Promise(resolve => setTimeout(resolve, pause))
      }
    }
    return once()
  }
  return () => {
    loading ??= often().catch(async error => {
      loading = undefined
      const { status } = await fetch(address, { method: 'HEAD', credentials: 'omit' })
      throw status === 404 ? new Outdated(`${address} is gone`) : error
    })
    return loading
  }
}
