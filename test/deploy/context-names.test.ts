import { expect, test } from 'vitest'
import { namesToSend } from '../../src/deploy/context-names.ts'

const names = ['.dockerignore', '.env', '.git', 'Dockerfile', 'a.log', 'node_modules', 'src']
const sent = (dockerignore: string) => namesToSend(names, dockerignore, ['.dockerignore', 'Dockerfile'])
const without = (...gone: string[]) => names.filter(name => !gone.includes(name))

test.each<[string, string[]]>([
  ['', names],
  ['# .git\n\n', names],
  ['.git\nnode_modules\n', without('.git', 'node_modules')],
  ['/.git\r\n./node_modules/\n', without('.git', 'node_modules')],
  ['**/node_modules', without('node_modules')],
  ['*.log\n.e*', without('a.log', '.env')],
  ['*', ['.dockerignore', 'Dockerfile']],
  ['*\n!src', ['.dockerignore', 'Dockerfile', 'src']],
  ['*\n!/src/deep/*.ts', ['.dockerignore', 'Dockerfile', 'src']],
  ['.git\n!**/HEAD', names],
  ['.git\n!*.md', names],
  // What the engine there understands better is left to it.
  ['src/deep', names],
  ['sr?', names],
  ['[s]rc', names],
  ['a+log', names],
  ['**', names],
])('%j', (dockerignore, expected) => expect(sent(dockerignore)).toEqual(expected))
