import { findOnPath, isExecutable, run } from './command.ts'
import { environmentRung, type Found, type Rung, type Tools } from './ladder.ts'

/** A program that tests run themselves: what is provided is where it lies. */
interface Program {
  /** The environment variable that may name it. */
  readonly variable: string
  /** Names on PATH, or paths where some systems keep it off PATH. */
  readonly places: readonly string[]
  readonly versionArgument: string
  readonly debianPackage: string
}

const chromium: Program = {
  variable: 'CHROMIUM_PATH',
  places: [
    ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ],
  versionArgument: '--version',
  debianPackage: 'chromium',
}

const haproxy: Program = {
  variable: 'HAPROXY_PATH',
  places: ['haproxy', '/usr/sbin/haproxy'],
  versionArgument: '-v',
  debianPackage: 'haproxy',
}

export const chromiumRungs = (tools: Tools): Rung[] => rungsOf(chromium, tools)
export const haproxyRungs = (tools: Tools): Rung[] => rungsOf(haproxy, tools)

function rungsOf(program: Program, { environment, apt }: Tools): Rung[] {
  return [
    environmentRung(program.variable, environment, path => checked(program, path)),
    { how: 'binary', attempt: () => local(program, environment) },
    {
      how: 'installed',
      async attempt() {
        await apt.install([program.debianPackage])
        return local(program, environment)
      },
    },
  ]
}

async function local(program: Program, environment: NodeJS.ProcessEnv): Promise<Found> {
  const path = findOnPath(program.places, environment) ?? program.places.find(place => isExecutable(place))
  if (path === undefined) throw new Error(`none of ${program.places.join(', ')} is there`)
  return checked(program, path)
}

/** Asked for its version because some systems put a stand-in under this name that only says where to get it. */
async function checked(program: Program, path: string): Promise<Found> {
  if (!isExecutable(path)) throw new Error(`${path} is not an executable file`)
  const version = (await run(path, [program.versionArgument], { timeoutMs: 20_000 }))
    .split('\n', 1)
    .join('')
    .trim()
  if (!/\d+\.\d+/.test(version)) throw new Error(`${path} gives no version: ${version}`)
  return { details: { path, version } }
}
