/** `node tests/support/services/cli.ts [names]`: provides services, prints how each was had, stops them again. */
import { type Provided, provideServices, type ServiceName, serviceNames } from './index.ts'

const isServiceName = (text: string): text is ServiceName => serviceNames.some(name => name === text)

const asked = process.argv.slice(2)
const unknown = asked.filter(text => !isServiceName(text))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${serviceNames.join(', ')}`)
  process.exit(2)
}

const started = performance.now()
const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
const names = asked.length === 0 ? serviceNames : asked.filter(isServiceName)
const services = await provideServices(names, line => console.log(`[${seconds()}] ${line}`))
for (const service of services.provided.values())
  console.log(`${service.name}: ${service.how}  ${shown(service)}`)
for (const { name, reasons } of services.missing)
  console.log([`${name}: missing`, ...reasons.map(reason => `  ${reason}`)].join('\n'))
await services.stop()
console.log(`stopped after ${seconds()}`)
process.exitCode = services.missing.length === 0 ? 0 : 1

/** What is printed may end up in a log that others read. */
function shown({ details }: Provided): string {
  return Object.entries(details)
    .map(([key, value]) => `${key}=${key === 'apiSecret' ? '…' : value.replace(/:[^:@/]*@/, ':…@')}`)
    .join(' ')
}
