/**
 * `gyre new`: a project of one's own from `templates/operator`. The template is a working project whose names
 * are placeholders; making one is copying it with the names put in. It appears whole or not at all.
 */
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dns1035Label, dns1123Subdomain, pluralOf } from '../api/index.js';
import { readOptions, UsageError } from './arguments.js';
import { packageVersion } from './version.js';

export const newHelp = `Usage: gyre new NAME [options]

Makes a directory NAME with a project that is a working operator: a custom resource, its reconciler, tests.

  --kind KIND      the custom resource's kind              (default NAME in CamelCase)
  --group GROUP    the API group of the custom resource    (default NAME.example.com)
  --help

Then: cd NAME && npm install && npm test && npm start
`;

export interface NewOptions {
  readonly name: string;
  readonly kind: string;
  readonly group: string;
}

/** What the template calls things; the longer names first, as one is part of another. */
const placeholders = [
  ['templatekinds', (o: NewOptions) => pluralOf(o.kind.toLowerCase())],
  ['templatekind', (o: NewOptions) => o.kind.toLowerCase()],
  ['TemplateKind', (o: NewOptions) => o.kind],
  ['template-kind', (o: NewOptions) => kebabCase(o.kind)],
  ['template.example.com', (o: NewOptions) => o.group],
  ['template-project', (o: NewOptions) => o.name],
  ['0.0.0-template', () => packageVersion()],
] as const;

/** What the generated files import. */
const takenNames = new Set([
  'Condition',
  'Conditions',
  'Context',
  'Controller',
  'CustomResource',
  'Default',
  'Defaulted',
  'Deployment',
  'EmbeddedCluster',
  'Input',
  'Manager',
  'Max',
  'Min',
  'Owns',
  'TestCluster',
]);

/** @throws UsageError */
export function readNewOptions(args: readonly string[]): NewOptions | 'help' {
  const named = args.length > 0 && !args[0]?.startsWith('-');
  const name = named ? args[0] : undefined;
  const given = readOptions('new', named ? args.slice(1) : args, {
    kind: { type: 'string' },
    group: { type: 'string' },
    help: { type: 'boolean', default: false },
  });
  if (given.help) return 'help';
  if (name === undefined || name === '')
    throw new UsageError('new: a name is missing', 'for example: gyre new demo');
  if (dns1035Label(name).length > 0) {
    throw new UsageError(
      `${JSON.stringify(name)} cannot be the name of an operator: it takes lower-case letters, digits and '-', begins with a letter, and has 63 characters at most`,
      'for example: gyre new demo',
    );
  }
  const kind = given.kind ?? camelCase(name);
  if (!/^[A-Z][A-Za-z0-9]*$/.test(kind) || kind.length > 63) {
    throw new UsageError(
      `--kind must be a name in CamelCase, not ${JSON.stringify(kind)}`,
      `for example --kind ${camelCase(name)}`,
    );
  }
  if (takenNames.has(kind)) {
    throw new UsageError(
      `the kind ${kind} would collide with a name the project imports`,
      'choose another with --kind',
    );
  }
  const group = given.group ?? `${name}.example.com`;
  if (dns1123Subdomain(group).length > 0 || !group.includes('.')) {
    throw new UsageError(
      `--group must be a domain name, not ${JSON.stringify(group)}`,
      `for example --group ${name}.example.com`,
    );
  }
  return { name, kind, group };
}

/** @throws UsageError when the directory is there already or cannot be made */
export function createProject(options: NewOptions, parent: string): string {
  const target = join(parent, options.name);
  if (existsSync(target))
    throw new UsageError(`${target} exists already`, 'choose another name, or remove it first');
  let draft: string | undefined;
  try {
    accessSync(parent, constants.W_OK);
    // Beside the target, so that renaming it into place is one step.
    draft = mkdtempSync(join(parent, '.gyre-new-'));
    for (const file of templateFiles()) {
      const path = join(draft, fill(targetPath(file), options));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, fill(readFileSync(join(templateDir, file), 'utf8'), options));
    }
    chmodSync(draft, 0o755);
    renameSync(draft, target);
  } catch (error) {
    if (draft) rmSync(draft, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM' || code === 'ENOENT' || code === 'ENOSPC') {
      throw new UsageError(
        `cannot write to ${parent}${code === 'ENOSPC' ? ': no space left' : ''}`,
        'change to a directory that can be written to',
      );
    }
    throw error;
  }
  return target;
}

/** Gives the exit code. @throws UsageError */
export function newProject(args: readonly string[], print: (text: string) => void): number {
  const options = readNewOptions(args);
  if (options === 'help') {
    print(newHelp);
    return 0;
  }
  const target = createProject(options, resolve('.'));
  const directory = relative(process.cwd(), target);
  print(`Made ${directory}: an operator for ${options.kind} (${pluralOf(options.kind.toLowerCase())}.${options.group})

  cd ${directory}
  npm install
  npm test         type check and unit tests, under virtual time
  npm start        an embedded cluster with the operator inside
`);
  return 0;
}

const templateDir = fileURLToPath(new URL('../../templates/operator', import.meta.url));

function templateFiles(): string[] {
  return readdirSync(templateDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(templateDir, join(entry.parentPath, entry.name)));
}

/** npm leaves a file named `.gitignore` out of packages, so the template has it without the dot. */
function targetPath(file: string): string {
  return file === 'gitignore' ? '.gitignore' : file;
}

function fill(text: string, options: NewOptions): string {
  return placeholders.reduce((filled, [from, to]) => filled.replaceAll(from, to(options)), text);
}

function camelCase(name: string): string {
  return name.replace(/(?:^|-+)([a-z0-9])/g, (_, first: string) => first.toUpperCase());
}

/** `WebSite` → `web-site`. */
function kebabCase(kind: string): string {
  return kind.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
}
