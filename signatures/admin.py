"""Registers the admin pages of every job. Django imports this module by its name."""

import signatures.audit.admin
import signatures.audit.letter_admin
import signatures.delivery.admin.deliveries
import signatures.delivery.admin.exports
import signatures.moderation.admin.bulk_rules
import signatures.moderation.admin.featured
import signatures.moderation.admin.requests
import signatures.moderation.admin.review
import signatures.moderation.admin.review_queue
import signatures.moderation.admin.texts
import signatures.monitoring.admin
import signatures.outbox.admin
import signatures.paper.admin
import signatures.screening.admin
import signatures.staff.admin  # noqa: F401  # importing it registers the admin pages
