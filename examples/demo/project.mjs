import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, say } from '../../test/machine/command.mjs'

/**
 * A project to be changed at will: a copy of what this repository deploys, under a git repository of its own, so that
 * each version is a commit.
 * @param {string} root the folder of this repository
 * @param {import('./engine.mjs').Engine} engine
 */
export async function createProject(root, engine) {
  const folder = join(root, '.demo')
  const example = join(folder, 'examples/hello')
  cpSync(join(root, 'examples/hello'), example, { recursive: true })
  const config = await configFor(engine, join(root, '.jiji/deploy.yml'))
  mkdirSync(join(folder, '.jiji'), { recursive: true })
  writeFileSync(join(folder, '.jiji/deploy.yml'), config.text)

  const identity = ['-c', 'user.name=Demo', '-c', 'user.email=demo@localhost', '-c', 'commit.gpgsign=false']
  /** @param {string[]} words */
  const git = (...words) => must('git', [...identity, '-c', 'core.hooksPath=/dev/null', ...words], { cwd: folder })
  if (!existsSync(join(folder, '.git'))) await git('init', '-q')

  return {
    url: config.url,

    /**
     * Writes files of the example and makes a version of them.
     * @param {Record<string, string>} files
     */
    async commit(files) {
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(example, name), text)
        say(`examples/hello/${name} says: ${text.trim()}`)
      }
      await git('add', '.')
      await git('commit', '-q', '--allow-empty', '-m', `Change ${Object.keys(files).join(', ')}`)
    },

    /** @param {string[]} words */
    async jiji(...words) {
      say(`$ jiji ${words.join(' ')}`)
      const code = await show(process.execPath, [join(root, 'dist/main.js'), ...words], folder)
      if (code !== 0) throw new Error(`jiji ${words.join(' ')} exited with ${code}`)
    },
  }
}

/**
 * The configuration with this machine's engine in it, and where it makes the app answer.
 * @param {import('./engine.mjs').Engine} engine
 * @param {string} file
 */
async function configFor(engine, file) {
  const { parseDocument } = await import('yaml') // not there before the dependencies are installed
  const config = parseDocument(readFileSync(file, 'utf8'))
  if (engine !== 'docker') {
    config.setIn(['builder', 'engine'], engine)
    say(`with builder.engine: ${engine}, because that is what this machine has`)
  }
  const host = config.getIn(['services', 'web', 'proxy', 'hosts', 0])
  return { text: String(config), url: `http://${host}:${config.getIn(['proxy', 'http_port'])}` }
}

/**
 * Runs a program whose output is shown as it comes. A Ctrl-C is the program's: it has to clean up.
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<number>}
 */
function show(program, args, cwd) {
  const wait = () => {}
  process.on('SIGINT', wait)
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('exit', code => {
      process.off('SIGINT', wait)
      resolve(code ?? 128)
    })
  })
}
