{{/* Combinations that cannot work, or that must not: each fails the render with a sentence. */}}
{{- define "stint.checks" -}}
{{- $values := .Values -}}
{{- include "stint.checkLedger" . -}}
{{- if not $values.image.repository -}}
{{- fail "image.repository is missing: name the image that you built from the Dockerfile." -}}
{{- end -}}
{{- include "stint.checkServerIdentity" . -}}
{{- include "stint.checkBundles" . -}}
{{- include "stint.checkWorkloadApi" . -}}
{{- include "stint.checkFederation" . -}}
{{- include "stint.checkBundleEndpoint" . -}}
{{- include "stint.checkIdentityEgress" . -}}
{{- include "stint.checkRules" . -}}
{{- if not $values.config.roles -}}
{{- fail "config.roles is empty: the broker could not issue any credentials; list at least one role." -}}
{{- end -}}
{{- if not $values.config.aws.region -}}
{{- fail "config.aws.region is missing: say which region's STS to use, e.g. eu-central-1." -}}
{{- end -}}
{{- if and (not $values.serviceAccount.create) (not $values.serviceAccount.name) -}}
{{- fail "serviceAccount.create is false and serviceAccount.name is empty: the broker would run as the namespace's default account, and share its AWS role with every other pod; name one." -}}
{{- end -}}
{{- if $values.bearer.enabled -}}
{{- $audiences := list $values.config.identity.tokens.audience -}}
{{- range $trustDomain, $source := $values.config.identity.domains }}{{ $audiences = append $audiences $source.audience }}{{ end -}}
{{- range $values.trustBundles }}{{ $audiences = append $audiences .audience }}{{ end -}}
{{- if and (not (compact $audiences)) (not $values.config.identity.oidc) -}}
{{- fail "bearer.enabled needs config.identity.tokens.audience, the audience of a trust domain, or config.identity.oidc: the port is for callers that have only a token, and no token would be accepted." -}}
{{- end -}}
{{- end -}}
{{- include "stint.checkAdmin" . -}}
{{- include "stint.checkMetrics" . -}}
{{- include "stint.checkAgentsService" . -}}
{{- include "stint.checkExtras" . -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.agentsFrom) -}}
{{- fail "networkPolicy.agentsFrom is empty: no agent could reach the broker; list the allowed peers, or set networkPolicy.enabled to false." -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled (or (not $values.networkPolicy.dnsTo) (not $values.networkPolicy.awsTo) (not $values.networkPolicy.awsPorts)) -}}
{{- fail "networkPolicy.dnsTo, awsTo and awsPorts must not be empty: the broker could not reach STS and IAM." -}}
{{- end -}}
{{- include "stint.checkAwsProxy" . -}}
{{- include "stint.checkOutsiders" . -}}
{{- include "stint.checkClaim" . -}}
{{- include "stint.checkGrace" . -}}
{{- end -}}

{{/* The network policy must let the broker reach its proxy, which takes the place of AWS's own ports. */}}
{{- define "stint.checkAwsProxy" -}}
{{- $policy := .Values.networkPolicy -}}
{{- $proxy := .Values.config.aws.proxy -}}
{{- if and $proxy.credentialsSecret (not $proxy.url) -}}
{{- fail "config.aws.proxy.credentialsSecret needs config.aws.proxy.url: there is no proxy that would ask for it." -}}
{{- end -}}
{{- if and $proxy.url $policy.enabled -}}
{{- $default := ternary "443" "80" (hasPrefix "https:" $proxy.url) -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+/?$" $proxy.url | trimSuffix "/") | default $default -}}
{{- $open := dict -}}
{{- range $policy.awsPorts }}{{ $_ := set $open (printf "%d" (int64 .)) true }}{{ end -}}
{{- if not (hasKey $open $port) -}}
{{- fail (printf "networkPolicy.awsPorts lacks %s: the broker could not reach its proxy %s (config.aws.proxy.url)." $port $proxy.url) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Callers from outside of the cluster are no pods: a rule that names pods alone lets none of them in. */}}
{{- define "stint.checkOutsiders" -}}
{{- $policy := .Values.networkPolicy -}}
{{- $ports := list (dict "service" "agents.service" "type" .Values.agents.service.type "peers" "agentsFrom") -}}
{{- if .Values.admin.service.enabled }}{{ $ports = append $ports (dict "service" "admin.service" "type" .Values.admin.service.type "peers" "adminFrom") }}{{ end -}}
{{- if .Values.bundleEndpoint.enabled }}{{ $ports = append $ports (dict "service" "bundleEndpoint.service" "type" .Values.bundleEndpoint.service.type "peers" "bundlesFrom") }}{{ end -}}
{{- range $port := $ports -}}
{{- if and $policy.enabled (ne $port.type "ClusterIP") -}}
{{- $blocks := 0 -}}
{{- range get $policy $port.peers }}{{ if .ipBlock }}{{ $blocks = add1 $blocks }}{{ end }}{{ end -}}
{{- if not $blocks -}}
{{- fail (printf "%s.type is %s, yet networkPolicy.%s names only pods: the network policy would block callers from outside the cluster; add {ipBlock: {cidr: …}} for them." $port.service $port.type $port.peers) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkLedger" -}}
{{- $values := .Values -}}
{{- $postgres := $values.config.ledger.postgres -}}
{{- if not (include "stint.usesDatabase" .) -}}
{{- if ne (int $values.replicaCount) 1 -}}
{{- fail "replicaCount must be 1: the ledger is one SQLite file, which only one broker can use at a time. Several replicas need config.ledger.postgres." -}}
{{- end -}}
{{- if $values.networkPolicy.databaseTo -}}
{{- fail "networkPolicy.databaseTo is set, yet config.ledger.postgres is not: there is no database to reach." -}}
{{- end -}}
{{- if or $values.migration.user $values.migration.passwordSecret $values.migration.moveFromClaim -}}
{{- fail "migration.user, passwordSecret and moveFromClaim need config.ledger.postgres: they are for a ledger in a database." -}}
{{- end -}}
{{- else -}}
{{- if lt (int $values.replicaCount) 1 -}}
{{- fail "replicaCount must be at least 1: without a broker nothing is revoked." -}}
{{- end -}}
{{- range list "host" "database" "user" -}}
{{- if not (get $postgres .) -}}
{{- fail (printf "config.ledger.postgres.%s is missing: host, database and user say where the ledger is." .) -}}
{{- end -}}
{{- end -}}
{{- if and $postgres.plaintext $postgres.caConfigMap -}}
{{- fail "config.ledger.postgres has both plaintext and caConfigMap: authorities are for TLS; set one of them." -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.databaseTo) -}}
{{- fail "config.ledger.postgres needs networkPolicy.databaseTo: the network policy would block the database; list its peers." -}}
{{- end -}}
{{- if and $values.migration.passwordSecret (not $values.migration.user) -}}
{{- fail "migration.passwordSecret needs migration.user: it is the password of that user." -}}
{{- end -}}
{{- if and $values.migration.moveFromClaim $values.migration.user -}}
{{- fail "migration.moveFromClaim and migration.user are set: move the ledger as the user of config.ledger.postgres, who then owns the schema, and set migration.user in a later upgrade." -}}
{{- end -}}
{{- if and $values.migration.moveFromClaim (not $values.migration.enabled) -}}
{{- fail "migration.moveFromClaim is set, yet migration.enabled is false: no job would move the ledger." -}}
{{- end -}}
{{- if and $values.migration.user (not $values.migration.enabled) -}}
{{- fail "migration.user is set, yet migration.enabled is false: no job would use it." -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A release that goes over to a database must not leave its ledger behind. Nor can a claim template of a StatefulSet that is there
be added or removed.
*/}}
{{- define "stint.checkClaim" -}}
{{- $live := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "stint.fullname" .) -}}
{{- if and $live (include "stint.usesDatabase" .) -}}
{{- fail (printf "config.ledger.postgres is set, yet the ledger of this release is on a volume: delete the StatefulSet %s, whose claim stays, and set migration.moveFromClaim to that claim (ledger-%s-0), so that the ledger is moved into the database." (include "stint.fullname" .) (include "stint.fullname" .)) -}}
{{- else if $live -}}
{{- $own := dig "spec" "volumeClaimTemplates" list $live -}}
{{- if and $own .Values.persistence.existingClaim -}}
{{- fail (printf "persistence.existingClaim cannot be set on a release whose ledger is on the StatefulSet's own claim (ledger-%s-0): delete the StatefulSet first; the claim stays." (include "stint.fullname" .)) -}}
{{- else if and (not $own) (not .Values.persistence.existingClaim) -}}
{{- fail (printf "persistence.existingClaim is empty, yet the ledger of this release is on a claim that is not the StatefulSet's own, so the release would start with an empty ledger: name that claim (%s-ledger where an earlier version of the chart has made it), or delete the StatefulSet first if a new ledger is what you want." (include "stint.fullname" .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkBundles" -}}
{{- if not (or .Values.trustBundles .Values.config.identity.domains) -}}
{{- fail "trustBundles is empty, and so is config.identity.domains: no SVID could be verified; list at least one trust domain and its bundle source." -}}
{{- end -}}
{{- $domains := .Values.config.identity.domains -}}
{{- $seen := dict -}}
{{- range .Values.trustBundles -}}
{{- if hasKey $seen .trustDomain -}}
{{- fail (printf "trustBundles has %s twice: a trust domain has one bundle." .trustDomain) -}}
{{- end -}}
{{- $_ := set $seen .trustDomain true -}}
{{- if hasKey $domains .trustDomain -}}
{{- fail (printf "%s is in trustBundles and in config.identity.domains: a trust domain has one bundle." .trustDomain) -}}
{{- end -}}
{{- if eq (empty .configMap) (empty .secret) -}}
{{- fail (printf "trustBundles: %s must have either configMap or secret, not both, as its bundle source." .trustDomain) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkRules" -}}
{{- $values := .Values -}}
{{- if eq (empty $values.policies.files) (empty $values.policies.existingConfigMap) -}}
{{- fail "policies must have either files or existingConfigMap, not both: without a policy every request is denied." -}}
{{- end -}}
{{- if eq (empty $values.registry.agents) (empty $values.registry.existingConfigMap) -}}
{{- fail "registry must have either agents or existingConfigMap, not both: unregistered agents are refused." -}}
{{- end -}}
{{- if and $values.labels.rules $values.labels.existingConfigMap -}}
{{- fail "labels must have either rules or existingConfigMap, not both." -}}
{{- end -}}
{{- if and $values.actionOverrides.rows $values.actionOverrides.existingConfigMap -}}
{{- fail "actionOverrides must have either rows or existingConfigMap, not both." -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkAdmin" -}}
{{- $values := .Values -}}
{{- if $values.admin.service.enabled -}}
{{- if not $values.admin.tls.existingSecret -}}
{{- fail "admin.service.enabled needs admin.tls.existingSecret: outside the pod, the admin API requires HTTPS." -}}
{{- end -}}
{{- if not $values.config.admin.operators -}}
{{- fail "admin.service.enabled needs config.admin.operators: nobody could sign in." -}}
{{- end -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.adminFrom) -}}
{{- fail "admin.service.enabled needs networkPolicy.adminFrom: the network policy would block everyone; list the allowed peers." -}}
{{- end -}}
{{- else if $values.networkPolicy.adminFrom -}}
{{- fail "networkPolicy.adminFrom is set, yet admin.service.enabled is false: the admin API listens on the pod's loopback alone." -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkMetrics" -}}
{{- $values := .Values -}}
{{- if $values.metrics.enabled -}}
{{- if and $values.networkPolicy.enabled (not $values.networkPolicy.metricsFrom) -}}
{{- fail "metrics.enabled needs networkPolicy.metricsFrom: the network policy would block everyone; list your Prometheus." -}}
{{- end -}}
{{- else if $values.networkPolicy.metricsFrom -}}
{{- fail "networkPolicy.metricsFrom is set, yet metrics.enabled is false: there is no port to reach." -}}
{{- else if $values.metrics.serviceMonitor.enabled -}}
{{- fail "metrics.serviceMonitor.enabled needs metrics.enabled: there is nothing to scrape." -}}
{{- end -}}
{{- end -}}

{{- define "stint.checkAgentsService" -}}
{{- $service := .Values.agents.service -}}
{{- range list "loadBalancerClass" "loadBalancerSourceRanges" -}}
{{- if and (get $service .) (ne $service.type "LoadBalancer") -}}
{{- fail (printf "agents.service.%s needs agents.service.type LoadBalancer; it is %s." . $service.type) -}}
{{- end -}}
{{- end -}}
{{- if and $service.externalTrafficPolicy (eq $service.type "ClusterIP") -}}
{{- fail "agents.service.externalTrafficPolicy needs agents.service.type LoadBalancer or NodePort; it is ClusterIP." -}}
{{- end -}}
{{- end -}}

{{/* What is added to the pod must not take the place of what the chart sets. */}}
{{- define "stint.checkExtras" -}}
{{- range .Values.extraEnv -}}
{{- if or (hasPrefix "STINT_" .name) (eq .name "AWS_EC2_METADATA_DISABLED") -}}
{{- fail (printf "extraEnv has %s, which the chart sets or which overrides stint.yaml: use the chart's values and config." .name) -}}
{{- end -}}
{{- end -}}
{{- $own := dict -}}
{{- range include "stint.volumes" . | fromYamlArray }}{{ $_ := set $own .name true }}{{ end -}}
{{- $added := dict -}}
{{- range .Values.extraVolumes -}}
{{- if or (hasKey $own .name) (eq .name "ledger") -}}
{{- fail (printf "extraVolumes has %s, which is a volume of the chart's own: choose another name." .name) -}}
{{- end -}}
{{- $_ := set $added .name true -}}
{{- end -}}
{{- range .Values.extraVolumeMounts -}}
{{- if not (hasKey $added .name) -}}
{{- fail (printf "extraVolumeMounts mounts %s, which is not in extraVolumes." .name) -}}
{{- end -}}
{{- if or (hasPrefix "/etc/stint" .mountPath) (hasPrefix "/var/lib/stint" .mountPath) (hasPrefix "/spiffe-workload-api" .mountPath) -}}
{{- fail (printf "extraVolumeMounts mounts %s at %s, which is the chart's own: choose another path." .name .mountPath) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Agents' calls drain, then the admin API gets 5 s, then the ledger is closed. */}}
{{- define "stint.checkGrace" -}}
{{- $drain := .Values.config.server.drainTime | default "15s" -}}
{{- $drainMs := include "stint.milliseconds" $drain | int64 -}}
{{- $graceMs := mul (int64 .Values.terminationGracePeriodSeconds) 1000 -}}
{{- if lt $graceMs (add $drainMs 15000) -}}
{{- fail (printf "terminationGracePeriodSeconds (%d) must be at least 15 s longer than config.server.drainTime (%s): calls in progress would be cut off." (int64 .Values.terminationGracePeriodSeconds) $drain) -}}
{{- end -}}
{{- end -}}

{{- define "stint.milliseconds" -}}
{{- $perUnit := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 -}}
{{- mul (regexFind "^[0-9]+" . | int64) (get $perUnit (regexFind "[a-z]+$" .) | int64) -}}
{{- end -}}
