import { Session } from 'node:inspector/promises'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/load.ts'
import { folderWith } from './folder.ts'

const many = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n')
const project = 'project: shop\nbuilder: {registry: {type: local}}\n'
const one = `${project}servers: {s0: {host: h}}\n`

/** What a file can have many of. */
const files: Record<string, (count: number) => string> = {
  servers: count =>
    `${project}servers:\n${many(count, index => `  s${index}: {host: h${index}}`)}
services: {web: {image: "app:1", hosts: [${many(count, index => `s${index}`).replaceAll('\n', ', ')}]}}\n`,
  services: count =>
    `${one}services:\n${many(count, index => `  a${index}: {image: "app:1", hosts: [s0], stop_first: true, ports: ["${index + 1000}:80"]}`)}\n`,
  routes: count =>
    `${one}services:\n${many(count, index => `  a${index}: {image: "app:1", hosts: [s0], proxy: {app_port: 80, hosts: [h${index}.example.com]}}`)}\n`,
  aliases: count =>
    `${one}x-app: &app {image: "app:1", hosts: [s0]}\nservices:\n${many(count, index => `  a${index}: *app`)}\n`,
  'merge keys': count =>
    `${one}x-app: &app {image: "app:1", hosts: [s0]}\nservices:\n${many(count, index => `  a${index}: {<<: *app}`)}\n`,
  variables: count =>
    `${one}services: {web: {image: "app:1", hosts: [s0], environment: {clear: {\n${many(count, index => `    KEY_${index}: v,`)}\n}}}}\n`,
  'unknown keys': count =>
    `${one}services:\n  web:\n    image: app:1\n    hosts: [s0]\n${many(count, index => `    ky_${index}: v`)}\n`,
}

/** Calls of functions, ours and those of packages, that reading a file takes: the same on every machine. */
async function callsFor(file: string): Promise<number> {
  const directory = folderWith({ '.jiji/deploy.yml': file })
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.startPreciseCoverage', { callCount: true })
  readConfig({ directory })
  const { result } = await session.post('Profiler.takePreciseCoverage')
  session.disconnect()
  return result.flatMap(({ functions }) => functions).reduce((sum, { ranges }) => sum + (ranges[0]?.count ?? 0), 0)
}

test.each(Object.entries(files))('twice as many %s take twice the work, and not four times', async (_, file) => {
  await callsFor(file(10))
  const [half, whole] = [await callsFor(file(400)), await callsFor(file(800))]
  expect(half).toBeGreaterThan(400)
  expect(whole / half).toBeLessThan(2.2)
})
