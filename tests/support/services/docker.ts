import { spawnSync } from 'node:child_process'
import { findOnPath, reasonOf, run } from './command.ts'
import { atParentExit } from './parent-exit.ts'
import { untilReady } from './process.ts'

export interface ContainerPlan {
  image: string
  /** In the manner of `docker run --publish`, always with 127.0.0.1 in front. */
  publish: readonly string[]
  environment?: Readonly<Record<string, string>>
  command?: readonly string[]
  ready(): Promise<void>
}

const pullMs = 5 * 60_000
const shortMs = 30_000
const readyMs = 60_000

/** The command alone says nothing: it is often installed where no engine answers. */
export async function dockerEngine(environment: NodeJS.ProcessEnv): Promise<string> {
  const docker = findOnPath(['docker'], environment)
  if (docker === undefined) throw new Error('there is no docker command')
  try {
    await run(docker, ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })
  } catch (error) {
    throw new Error(`no docker engine answers (${reasonOf(error).replace(/^`[^`]*` /, '')})`)
  }
  return docker
}

export async function startContainer(
  docker: string,
  plan: ContainerPlan,
): Promise<{ stop: () => Promise<void> }> {
  await run(docker, ['pull', '--quiet', plan.image], { timeoutMs: pullMs })
  const printed = await run(
    docker,
    [
      'run',
      '--detach',
      '--rm',
      ...plan.publish.flatMap(ports => ['--publish', ports]),
      ...Object.entries(plan.environment ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      plan.image,
      ...(plan.command ?? []),
    ],
    { timeoutMs: shortMs },
  )
  const id = printed.trim()
  const forget = atParentExit(() =>
    spawnSync(docker, ['rm', '--force', '--volumes', id], { timeout: shortMs }),
  )
  const stop = async () => {
    await run(docker, ['rm', '--force', '--volumes', id], { timeoutMs: shortMs })
    forget()
  }
  try {
    await untilReady(plan.ready, readyMs, () => undefined)
  } catch (error) {
    const logs = await run(docker, ['logs', '--tail', '8', id], { timeoutMs: shortMs }).catch(reasonOf)
    await stop()
    throw new Error(`${plan.image} ${reasonOf(error)}: ${logs}`)
  }
  return { stop }
}
