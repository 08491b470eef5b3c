// What `npm run demo` does, on a fresh clone with nothing but Node: makes sure of all that it needs, deploys
// examples/hello on this machine, changes it, and deploys it again while requests run.
//
//   npm run demo              as often as you like
//   npm run demo -- --clean   takes away what it has made
import { fileURLToPath } from 'node:url'
import { must, say } from '../test/machine/command.mjs'
import { ensureDependencies } from '../test/machine/dependencies.mjs'
import { ensureImages } from '../test/machine/stand-ins.mjs'
import { clean } from './demo/clean.mjs'
import { pickEngine } from './demo/engine.mjs'
import { createProject } from './demo/project.mjs'
import { recordWhatIsThere } from './demo/record.mjs'
import { ask, requestWhile } from './demo/requests.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const images = ['node:20-slim', 'caddy:2', 'registry:2']

// Settings of whoever runs this would change what is shown.
for (const name of Object.keys(process.env)) if (/^(JIJI|GIT)_/.test(name)) delete process.env[name]

const words = process.argv.slice(2)
try {
  if (words.length === 0) await demo()
  else if (words.join() === '--clean') await clean(root, images)
  else throw new Error(`there is only --clean, and no ${words.join(' ')}`)
} catch (error) {
  say(`\nthe demo ends here: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}

async function demo() {
  heading('Getting ready')
  await ensureDependencies(root)
  say('building jiji')
  await must(process.execPath, ['build.mjs'], { cwd: root })
  const engine = await pickEngine()
  await recordWhatIsThere(root, engine, images)
  await ensureImages(engine, images)
  const project = await createProject(root, engine)
  const { url } = project

  heading('The first release')
  await project.commit({ 'greeting.txt': 'Hello from jiji\n' })
  await project.jiji('deploy')
  const first = await ask(url)
  say(`\n$ curl ${url}\n${first}`)

  heading('The second release, while requests run')
  await project.commit({ 'greeting.txt': `Hello again, at ${new Date().toTimeString().slice(0, 8)}\n` })
  const seen = await requestWhile(url, () => project.jiji('deploy'))
  const second = await ask(url)
  say(`\n$ curl ${url}\n${second}`)

  heading('What was seen')
  console.log(`the first answer:  ${first}`)
  console.log(`the second answer: ${second}`)
  console.log(`requests sent during the second deploy: ${seen.sent}, lost: ${seen.lost.length}`)
  say('')
  await project.jiji('status')
  say(`
Look at it yourself:   curl ${url}
Take it away again:    npm run demo -- --clean`)

  if (seen.lost.length > 0)
    throw new Error(`${seen.lost.length} requests were lost, the first one with: ${seen.lost[0]}`)
  const others = [...seen.answers].filter(answer => answer !== first && answer !== second)
  if (first === second || others.length > 0)
    throw new Error(`unexpected answers: ${[first, second, ...others].join(', ')}`)
}

/** @param {string} text */
function heading(text) {
  say(`\n== ${text} ==`)
}
