import { TemplateResource } from './assembly';
import { references } from './intrinsics';

/** Resources in an order in which each comes after what it refers to. */
export function sorted(resources: Map<string, TemplateResource>, path: string): [string, TemplateResource][] {
  const order: [string, TemplateResource][] = [];
  const state = new Map<string, 'visiting' | 'done'>();
  const visit = (id: string, trail: string[]): void => {
    const resource = resources.get(id);
    if (!resource || state.get(id) === 'done') return;
    if (state.get(id) === 'visiting') throw new Error(`${path}: circular dependency ${[...trail, id].join(' → ')}`);
    state.set(id, 'visiting');
    const dependsOn = resource.DependsOn === undefined ? [] : [resource.DependsOn].flat();
    for (const other of [...dependsOn, ...references(resource.Properties)]) visit(other, [...trail, id]);
    state.set(id, 'done');
    order.push([id, resource]);
  };
  for (const id of resources.keys()) visit(id, []);
  return order;
}
