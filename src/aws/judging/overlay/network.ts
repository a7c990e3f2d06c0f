import type { OverlayRow } from './row.ts'

/** Opens a network or a resource, or changes which firewall stands before it. */
export const NETWORK_ROWS: readonly OverlayRow[] = [
  {
    actions:
      'ec2:AssociateRouteTable ec2:ReplaceRoute ec2:ReplaceRouteTableAssociation ec2:CreateTransitGatewayRoute ec2:ReplaceTransitGatewayRoute ec2:AssociateTransitGatewayRouteTable ec2:CreateLocalGatewayRoute ec2:ModifyLocalGatewayRoute ec2:ModifyManagedPrefixList ec2:RestoreManagedPrefixListVersion ec2:CreateTransitGatewayPrefixListReference ec2:ModifyTransitGatewayPrefixListReference networkmanager:PutCoreNetworkPolicy networkmanager:ExecuteCoreNetworkChangeSet networkmanager:RestoreCoreNetworkPolicyVersion',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the way stays open',
    reason: 'as ec2:CreateRoute: a route or the list behind it can lead past a firewall, or out',
  },
  {
    actions:
      'elasticloadbalancing:SetSecurityGroups elasticloadbalancing:ApplySecurityGroupsToLoadBalancer elasticfilesystem:ModifyMountTargetSecurityGroups ec2:ApplySecurityGroupsToClientVpnTargetNetwork ec2:ModifyClientVpnEndpoint ec2:AssociateSecurityGroupVpc elasticache:AuthorizeCacheSecurityGroupIngress redshift:AuthorizeClusterSecurityGroupIngress es:AuthorizeVpcEndpointAccess workspaces:AuthorizeIpRules workspaces:AssociateIpGroups workspaces:UpdateRulesOfIpGroup workspaces:ModifyWorkspaceAccessProperties workspaces-web:AssociateIpAccessSettings workspaces-web:UpdateIpAccessSettings medialive:UpdateInputSecurityGroup quicksight:UpdateIpRestriction quicksight:UpdatePublicSharingSettings lightsail:OpenInstancePublicPorts lightsail:UpdateRelationalDatabase redshift-serverless:UpdateWorkgroup neptune-graph:UpdateGraph lightsail:PeerVpc kafka:UpdateConnectivity kafka:UpdateSecurity wickr:UpdateNetworkSettings',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the rule stays',
    reason: 'decides who reaches it over the network',
  },
  {
    actions: 'wafv2:CreateWebACL',
    class: 'permissions',
    reason: 'AWS files the creation of an ACL in the older WAFs under permissions management',
  },
  {
    actions:
      'amplify:AssociateWebACL appsync:AssociateWebACL apprunner:AssociateWebAcl bedrock-agentcore:GatewayAssociateWebACL bedrock-agentcore:GatewayDisassociateWebACL',
    class: 'permissions',
    flags: ['audit'],
    reason: 'puts another firewall before it, or none, as wafv2:AssociateWebACL does',
  },
  {
    actions:
      'fms:PutAppsList fms:PutProtocolsList fms:PutResourceSet fms:BatchDisassociateResource fms:DeletePolicy network-firewall:DetachRuleGroupsFromProxyConfiguration route53globalresolver:UpdateAccessSource route53globalresolver:DisableDNSView shield:DisableApplicationLayerAutomaticResponse shield:UpdateApplicationLayerAutomaticResponse',
    class: 'permissions',
    flags: ['audit'],
    reason: 'changes what firewalls of the whole organisation let through, or who is shielded',
  },
  {
    actions: 'fms:PutNotificationChannel fms:DeleteNotificationChannel shield:UpdateEmergencyContactSettings',
    class: 'destructive',
    flags: ['audit'],
    reason: 'warnings of attacks go elsewhere, or nowhere',
  },
  {
    actions:
      'auditmanager:StartAssessmentFrameworkShare cleanrooms:CreateConfiguredTableAssociation dataexchange:PublishToDataGrant ds:ShareDirectory globalaccelerator:CreateCrossAccountAttachment globalaccelerator:UpdateCrossAccountAttachment lightsail:SetResourceAccessForBucket lightsail:UpdateBucket odb:CreateGrantShare odb:UpdateGrantShare omics:AcceptShare omics:CreateShare wellarchitected:CreateProfileShare wellarchitected:CreateTemplateShare wellarchitected:CreateLensShare wellarchitected:CreateWorkloadShare wellarchitected:UpdateWorkloadShare route53-recovery-readiness:CreateCrossAccountAuthorization mediaconvert:CreateResourceShare sagemaker:CreateSharedModel sagemaker:UpdateSharedModel storagegateway:UpdateNFSFileShare storagegateway:UpdateSMBFileShare storagegateway:UpdateSMBFileShareVisibility es:UpdateElasticsearchDomainConfig codeartifact:UpdateRepository config:PutAggregationAuthorization servicecatalog:AcceptPortfolioShare redshift:AssociateDataShareConsumer iot:TransferCertificate',
    class: 'permissions',
    flags: ['shares'],
    outlives: 'the share stays',
    reason: 'opens a resource to other accounts, to others of the network, or to everybody',
  },
  {
    actions:
      'sqs:CreateQueue sns:CreateTopic kms:CreateKey events:CreateEventBus dynamodb:CreateTable dsql:CreateCluster ec2:CreateVpcEndpoint fsx:CreateAndAttachS3AccessPoint es:CreateDomain es:CreateElasticsearchDomain ec2:CreateVerifiedAccessEndpoint ec2:CreateVerifiedAccessGroup',
    flags: ['shares'],
    reason: 'what is made can be open to others from the start; it holds nothing yet',
  },
]
