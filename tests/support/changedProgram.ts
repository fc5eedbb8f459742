import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './services/process.ts'

const ownRoot = join(import.meta.dirname, '..', '..')

/** Exactly one place in one file, and what it says instead. */
export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

/** A copy of the program with some lines changed, to see whether a test notices. `root`: as that of a gateway node. */
export function changedProgram(changes: readonly Change[]): { root: string; remove(): void } {
  const folder = temporaryFolder('changed')
  const place = (name: string) => join(folder.path, name)
  for (const name of ['src', 'drizzle', 'package.json'])
    cpSync(join(ownRoot, name), place(name), { recursive: true })
  symlinkSync(join(ownRoot, 'node_modules'), place('node_modules'))
  for (const { file, from, to } of changes) {
    const text = readFileSync(place(file), 'utf8')
    const found = text.split(from).length - 1
    // The program has moved on: the change has to follow, or it would change nothing and prove nothing.
    if (found !== 1) throw new Error(`${file} has this ${found} times, not once:\n${from}`)
    writeFileSync(
      place(file),
      text.replace(from, () => to),
    )
  }
  return { root: folder.path, remove: folder.remove }
}
