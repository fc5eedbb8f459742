import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { serverCore } from '../harness/children.ts'
import { pinned } from '../harness/processes.ts'

const run = promisify(execFile)

/** Of PostgreSQL's own package: on PATH, or where Debian puts it. */
function findPgbench(): string {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map(one => join(debian, one, 'bin')),
  ]
  const found = folders.map(folder => join(folder, 'pgbench')).find(path => existsSync(path))
  if (found === undefined) throw new Error('there is no pgbench; it comes with PostgreSQL')
  return found
}

/** Runs a script with prepared statements, as the product's are, for a time; returns how long that really was. */
export async function pgbench(
  url: string,
  script: string,
  { clients, seconds, from }: { readonly clients: number; readonly seconds: number; readonly from: number },
): Promise<{ seconds: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-pgbench-'))
  try {
    const file = join(folder, 'script.sql')
    await writeFile(file, script)
    // Where the server offers TLS, libpq takes it and the product's driver does not.
    const address = new URL(url)
    address.searchParams.set('sslmode', 'disable')
    const options = [
      '-n',
      '-M',
      'prepared',
      '-f',
      file,
      '-c',
      clients,
      '-j',
      1,
      '-T',
      seconds,
      '-D',
      `i=${from}`,
      address.href,
    ]
    const [command = '', ...args] = pinned([serverCore], [findPgbench(), ...options.map(String)])
    const { stdout } = await run(command, args)
    const failed = Number(/number of failed transactions: (\d+)/.exec(stdout)?.[1] ?? 0)
    const done = Number(/actually processed: (\d+)/.exec(stdout)?.[1])
    const tps = Number(/tps = ([\d.]+)/.exec(stdout)?.[1])
    if (failed > 0 || !Number.isFinite(done / tps)) throw new Error(`pgbench did not succeed: ${stdout}`)
    return { seconds: done / tps }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
