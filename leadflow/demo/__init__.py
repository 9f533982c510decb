"""The demo company: a seeded simulator whose truth is known.

Belongs here: people, companies and behaviour that look like a B2B company's raw files. Does not belong here:
anything that reads those files; the simulator writes what a vendor would, and leadflow ingests it like any source.

What is messy about the company (`messy`; shares are set in guises.py, fakes.py, companies.py, bots.py), and what tells
it. Truth files lie in `truth/`; docs/simulator.md shows how to judge by them.

| mess | how often | truth file and column |
| --- | --- | --- |
| one person comes again | 12 % of the forms; a third of the CRM leads that sales makes | lead_records.true_person_id |
| other name: nickname, initial, order, script, title, typo | 17 % of first forms, 58 % of further ones | lead_records.name_kind |
| other e-mail: private or work, +tag, typo, role, throw-away | 3 % of first forms, 42 % of further ones | lead_records.email_kind |
| changed company | 10 % of further forms | lead_records.is_moved, people.moved_to_company_id |
| shared phone, second phone, WeChat id for a phone | 7 % of first forms, 24 % of further ones | lead_records.phone_kind |
| company short, brand, without or with place, other form, typo | two thirds of the forms | lead_records.company_kind |
| invalid, missing e-mail; fake, invalid, missing phone | 6 %; 33 % | lead_records.email_kind, phone_kind |
| nonsense people; sensitive words | 1.5 %; 0.4 % of the people | lead_records.fake_kind |
| blocklisted people and companies | about 1 % of the people | lead_records.blocklist_sign, companies.standing |
| competitors, by domain and by address range | about 0.5 % of the people | lead_records.competitor_sign |
| robots: 100-hour sessions, superhuman rates, data centres | 1.5 % of web events, and 1 % crawlers | robots |
| bounced mail | mail to misspelt and nonsense addresses | lead_records.email_kind |
| no firmographics | 25 % of companies, and 10 % of sizes and sectors | companies |
| sectors in other words and languages; sizes as classes | a third of the sectors; where the number is missing | companies |
| conversion drifts: base rate, size, channels | over the whole year | drift |
| A/B tests: one works, one does not, one has a broken split | all first forms in their time | experiments |
| late, repeated, overlapping, disordered files; changed, deleted, restored rows | where `deliveries` are asked for | deliveries, versions_* |
"""
