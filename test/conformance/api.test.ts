import * as fs from 'fs';
import * as path from 'path';

interface Documented { docs?: { summary?: string; default?: string; example?: string } }
interface Property extends Documented { name: string; optional?: boolean }
interface Type extends Documented {
  kind: string;
  name: string;
  datatype?: boolean;
  base?: string;
  properties?: Property[];
  members?: (Documented & { name: string })[];
}

/** The assembly that the compiler wrote: what users of every language see. */
const assemblyFile = path.join(__dirname, '..', '..', '.jsii');
const types: Type[] = fs.existsSync(assemblyFile) ? Object.values(JSON.parse(fs.readFileSync(assemblyFile, 'utf8')).types) : [];
const structs = types.filter((type) => type.kind === 'interface' && type.datatype === true);
const constructs = types.filter((type) => type.kind === 'class' && type.base === 'constructs.Construct');

const wanted = [
  'MlopsPlatform', 'DataLake', 'DataPipeline', 'NotebookEnvironment', 'ModelSource', 'DeliveryPipeline', 'TrainingWorkflow', 'ModelRegistryVersioning',
  'ShadowStaging', 'CanaryRelease', 'QualityMonitor', 'PredictionApi', 'PipelineProtection',
];

describe('the public API', () => {
  test('has been compiled', () => expect(types.length).toBeGreaterThan(wanted.length));

  test.each(wanted)('%s is exported', (name) => expect(types.map((type) => type.name)).toContain(name));

  test('every type and member is documented', () => {
    const bare = types.flatMap((type) => [
      ...(type.docs?.summary === undefined ? [type.name] : []),
      ...[...type.properties ?? [], ...type.members ?? []].filter((member) => member.docs?.summary === undefined).map((member) => `${type.name}.${member.name}`),
    ]);
    expect(bare).toEqual([]);
  });

  test('every optional member says its default', () => {
    const silent = structs.flatMap((struct) => (struct.properties ?? [])
      .filter((property) => property.optional === true && !/^(?!.*\b(undefined|none)\b$).+/.test(property.docs?.default ?? ''))
      .map((property) => `${struct.name}.${property.name}`));
    expect(silent).toEqual([]);
  });

  test('each construct has an example', () => {
    expect(constructs.filter((construct) => construct.docs?.example === undefined).map((construct) => construct.name)).toEqual([]);
  });
});
