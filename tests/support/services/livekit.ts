import { randomBytes } from 'node:crypto'
import { isExecutable } from './command.ts'
import { dockerEngine, startContainer } from './docker.ts'
import { buildGoProgram, findGoProgram, type GoProgram } from './goProgram.ts'
import { environmentRung, type Found, type Rung, type Tools } from './ladder.ts'
import { freePort, freeUdpPort, retryingPortClash, startServer } from './process.ts'

/** The newest without `replace` in its go.mod: `go install` refuses the ones after it. */
const version = 'v1.13.5'
const program: GoProgram = {
  name: 'livekit-server',
  package: 'github.com/livekit/livekit-server/cmd/server',
  version,
  built: 'server',
}
const dockerImage = `livekit/livekit-server:${version}`
const answerMs = 2_000

interface LiveKitSettings {
  port: number
  tcpPort: number
  udpPort: number
  apiKey: string
  apiSecret: string
}

export function livekitRungs(tools: Tools): Rung[] {
  const { environment } = tools
  return [
    environmentRung('LIVEKIT_SERVER_PATH', environment, startBinary),
    { how: 'binary', attempt: () => startBinary(findGoProgram(program, environment)) },
    { how: 'installed', attempt: async () => startBinary(await buildGoProgram(program, tools)) },
    { how: 'docker', attempt: () => startInDocker(environment) },
  ]
}

async function startBinary(path: string): Promise<Found> {
  if (!isExecutable(path)) throw new Error(`${path} is not an executable file`)
  return retryingPortClash(async () => {
    const settings = await randomSettings()
    const server = await startServer({
      name: 'livekit-server',
      command: path,
      args: ['--config-body', configuration(settings, '127.0.0.1')],
      ready: () => answers(settings.port),
      deadlineMs: 20_000,
      // It would wait for meetings to end by themselves.
      graceMs: 2_000,
    })
    return { details: details(settings), stop: server.stop }
  })
}

async function startInDocker(environment: NodeJS.ProcessEnv): Promise<Found> {
  const docker = await dockerEngine(environment)
  const settings = await randomSettings()
  const { port, tcpPort, udpPort } = settings
  const container = await startContainer(docker, {
    image: dockerImage,
    // The same numbers inside: what the server tells browsers to connect to is its own port.
    publish: [
      `127.0.0.1:${port}:${port}`,
      `127.0.0.1:${tcpPort}:${tcpPort}`,
      `127.0.0.1:${udpPort}:${udpPort}/udp`,
    ],
    command: ['--config-body', configuration(settings, '0.0.0.0')],
    ready: () => answers(port),
  })
  return { details: details(settings), stop: container.stop }
}

async function randomSettings(): Promise<LiveKitSettings> {
  return {
    port: await freePort(),
    tcpPort: await freePort(),
    udpPort: await freeUdpPort(),
    apiKey: `test${randomBytes(6).toString('hex')}`,
    apiSecret: randomBytes(24).toString('hex'),
  }
}

/** JSON is YAML. */
function configuration(settings: LiveKitSettings, bindAddress: string): string {
  return JSON.stringify({
    port: settings.port,
    bind_addresses: [bindAddress],
    keys: { [settings.apiKey]: settings.apiSecret },
    rtc: {
      tcp_port: settings.tcpPort,
      udp_port: settings.udpPort,
      use_external_ip: false,
      node_ip: '127.0.0.1',
      enable_loopback_candidate: true,
    },
    logging: { level: 'info' },
  })
}

async function answers(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(answerMs) })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`it answers ${response.status} ${body.slice(0, 80)}`)
}

function details({ port, apiKey, apiSecret }: LiveKitSettings): Record<string, string> {
  return { url: `ws://127.0.0.1:${port}`, httpUrl: `http://127.0.0.1:${port}`, apiKey, apiSecret }
}
