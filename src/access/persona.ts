/**
 * What somebody is in the team.
 */
export class Persona {
  /** Owns data sources and data pipelines. */
  public static readonly DATA_ENGINEER = new Persona('DataEngineer', 'Owns data sources and data pipelines');
  /** Explores data, writes models and merges them once somebody else has approved. */
  public static readonly DATA_SCIENTIST = new Persona('DataScientist', 'Explores data, writes models and merges them');
  /** Approves pull requests and releases of others. Writes and merges nothing, hence has nothing of their own to approve. */
  public static readonly APPROVER = new Persona('Approver', 'Approves pull requests and releases of others');
  /** Sees everything and changes nothing. */
  public static readonly OPERATOR = new Persona('Operator', 'Sees everything and changes nothing');
  /** Repairs at the level of the infrastructure what recovers by no other way. For emergencies, told at each use: see `BreakGlass`. */
  public static readonly BREAK_GLASS = new Persona('BreakGlass', 'Repairs the infrastructure in an emergency', false);

  /** Another persona. It sees what all see; the rest is granted to its role. */
  public static of(name: string, description: string): Persona {
    return new Persona(name, description);
  }

  private constructor(
    /** Name of the persona. */
    public readonly personaName: string,
    /** What the persona does. */
    public readonly description: string,
    /** Whether the persona is kept from touching runs: every persona is, but the one for emergencies. */
    public readonly isBound: boolean = true,
  ) {}
}
