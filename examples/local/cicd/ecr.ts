import { createHash } from 'node:crypto';
import { object, objects, onlyKnown, optionalText, text } from '../cloud/members';
import { physicalName } from '../cloud/names';
import { AwsError, Call, Cloud, Deployed, JsonObject, Provisioner, Resource, Service, StandIn, Unsupported } from '../cloud/types';

interface Image {
  readonly digest: string;
  readonly tags: Set<string>;
  readonly pushedAt: Date;
}

/** ECR repositories: which tag is which image, and that an immutable tag stays it. */
export class Ecr implements StandIn, Service, Provisioner {
  readonly describes = [{ service: 'ECR', by: 'tags and digests of its own; an image is a folder of its programs' }];
  readonly services = [this];
  readonly provisioners = [this];
  readonly scopes = ['ecr'];
  readonly types = ['AWS::ECR::Repository'];
  private readonly repositories = new Map<string, { immutable: boolean; images: Map<string, Image> }>();
  private cloud: Cloud | undefined;

  async start(cloud: Cloud): Promise<void> {
    this.cloud = cloud;
  }

  async create(resource: Resource): Promise<Deployed> {
    const { properties, type } = resource;
    onlyKnown(properties, [
      'EmptyOnDelete', 'EncryptionConfiguration', 'ImageScanningConfiguration', 'ImageTagMutability', 'LifecyclePolicy', 'RepositoryName', 'RepositoryPolicyText', 'Tags',
    ], type);
    const name = optionalText(properties, 'RepositoryName') ?? physicalName(resource).toLowerCase();
    this.repositories.set(name, { immutable: properties.ImageTagMutability === 'IMMUTABLE', images: new Map() });
    const { account, partition, region } = this.cloud!;
    return {
      ref: name,
      attributes: { Arn: `arn:${partition}:ecr:${region}:${account}:repository/${name}`, RepositoryUri: `${account}.dkr.ecr.${region}.amazonaws.com/${name}` },
    };
  }

  async delete({ properties }: Resource, { ref }: Deployed): Promise<void> {
    if (properties.EmptyOnDelete !== true && this.repositories.get(ref)?.images.size !== 0) {
      throw new AwsError('RepositoryNotEmptyException', `The repository with name '${ref}' cannot be deleted because it still contains images`);
    }
    this.repositories.delete(ref);
  }

  async handle({ operation, input }: Call): Promise<JsonObject> {
    const name = text(input, 'repositoryName');
    const repository = this.repositories.get(name);
    if (repository === undefined) throw new AwsError('RepositoryNotFoundException', `The repository with name '${name}' does not exist`);
    if (operation === 'PutImage') return this.put(name, repository, input);
    if (operation === 'DescribeImages') {
      const wanted = objects(input, 'imageIds');
      const found = wanted.map((id) => this.find(repository.images, id) ?? missing(id, name));
      return {
        imageDetails: (wanted.length === 0 ? [...repository.images.values()] : found).map((image) => ({
          repositoryName: name, imageDigest: image.digest, imageTags: [...image.tags], imagePushedAt: image.pushedAt.getTime() / 1000,
        })),
      };
    }
    if (operation === 'BatchDeleteImage') return this.remove(repository.images, objects(input, 'imageIds'));
    throw new Unsupported(`ecr:${operation}`);
  }

  private put(name: string, { immutable, images }: { immutable: boolean; images: Map<string, Image> }, input: JsonObject): JsonObject {
    const manifest = text(input, 'imageManifest');
    const config = object(JSON.parse(manifest) as JsonObject, 'config');
    const digest = optionalText(config, 'digest') ?? `sha256:${createHash('sha256').update(manifest).digest('hex')}`;
    const tag = optionalText(input, 'imageTag');
    const held = [...images.values()].find(({ tags }) => tag !== undefined && tags.has(tag));
    if (held !== undefined && held.digest === digest) throw new AwsError('ImageAlreadyExistsException', `Image with tag '${tag}' already exists in '${name}'`);
    if (held !== undefined && immutable) throw new AwsError('ImageTagAlreadyExistsException', `The image tag '${tag}' already exists in the '${name}' repository and cannot be overwritten because the repository is immutable.`);
    if (tag !== undefined) held?.tags.delete(tag);
    const image = images.get(digest) ?? { digest, tags: new Set<string>(), pushedAt: this.cloud!.clock.now() };
    if (tag !== undefined) image.tags.add(tag);
    images.set(digest, image);
    return { image: { repositoryName: name, imageId: { imageDigest: digest, ...tag === undefined ? {} : { imageTag: tag } } } };
  }

  /** An image whose last tag is deleted is deleted itself. */
  private remove(images: Map<string, Image>, ids: JsonObject[]): JsonObject {
    const known = ids.filter((id) => this.find(images, id) !== undefined);
    const failures = ids.filter((id) => !known.includes(id))
      .map((imageId) => ({ imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' }));
    for (const id of known) {
      const image = this.find(images, id);
      const tag = optionalText(id, 'imageTag');
      if (tag !== undefined) image?.tags.delete(tag);
      if (image !== undefined && (tag === undefined || image.tags.size === 0)) images.delete(image.digest);
    }
    return { imageIds: known, failures };
  }

  private find(images: Map<string, Image>, id: JsonObject): Image | undefined {
    const [tag, digest] = [optionalText(id, 'imageTag'), optionalText(id, 'imageDigest')];
    return [...images.values()].find((image) => (digest === undefined || image.digest === digest) && (tag === undefined || image.tags.has(tag)));
  }
}

function missing(id: JsonObject, name: string): never {
  throw new AwsError('ImageNotFoundException', `The image with imageId ${JSON.stringify(id)} does not exist within the repository '${name}'`);
}
